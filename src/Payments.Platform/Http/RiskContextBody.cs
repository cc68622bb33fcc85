using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Payments.Core;
using Payments.Core.Seams;

namespace Payments.Platform.Http;

/// <summary><c>risk_context</c> as a body carries it: the circumstances of a payment, each of them optional. Prints as nothing, since all of it may be personal.</summary>
public sealed record RiskContextBody(
    string? Ip = null,
    string? UserAgent = null,
    string? DeviceId = null,
    string? Email = null,
    RiskAddressBody? BillingAddress = null,
    RiskAddressBody? ShippingAddress = null,
    long? SessionSeconds = null,
    DateTimeOffset? AccountCreatedAt = null)
{
    /// <summary>Never prints personal data.</summary>
    public override string ToString() => "RiskContextBody";
}

/// <summary>An address within it.</summary>
public sealed record RiskAddressBody(
    string? Line1 = null, string? Line2 = null, string? City = null, string? PostalCode = null, string? State = null, string? Country = null)
{
    /// <summary>Never prints personal data.</summary>
    public override string ToString() => "RiskAddressBody";
}

/// <summary>Checks <c>risk_context</c> and brings it to the form that is compared: addresses of the net in canonical form, e-mail addresses in lower case.</summary>
public static partial class RiskContexts
{
    public const int LongestCustomerReference = 100;
    public const int LongestEmail = 254;
    public const int LongestUserAgent = 500;
    private const int LongestDeviceId = 200;
    private const int LongestLine = 200;
    private const int LongestCode = 20;
    private const long LongestSession = 30 * 24 * 3600;
    private const string Name = "risk_context";

    /// <summary>Clocks of shops differ from ours.</summary>
    private static readonly TimeSpan Skew = TimeSpan.FromDays(1);

    private static readonly DateTimeOffset Earliest = new(1990, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Null for one that says nothing; refusals name the member by its path and never repeat its value.</summary>
    public static Problem? Check(RiskContextBody? body, DateTimeOffset now, out RiskContext? told)
    {
        told = null;
        if (body is null)
        {
            return null;
        }

        var address = body.Ip is null ? null : Canonical(body.Ip);
        var problem =
            (body.Ip is not null && address is null ? Invalid("ip", "An IPv4 or IPv6 address is expected.") : null)
            ?? Text("user_agent", body.UserAgent, LongestUserAgent)
            ?? Text("device_id", body.DeviceId, LongestDeviceId)
            ?? (body.Email is { } email && !IsEmail(email) ? Invalid("email", "An e-mail address is expected.") : null)
            ?? Address("billing_address", body.BillingAddress)
            ?? Address("shipping_address", body.ShippingAddress)
            ?? (body.SessionSeconds is < 0 or > LongestSession ? Invalid("session_seconds", "A number of seconds from 0 to 2592000 is expected.") : null)
            ?? (body.AccountCreatedAt is { } at && (at < Earliest || at > now + Skew) ? Invalid("account_created_at", "A time from 1990 until now is expected.") : null);
        if (problem is not null)
        {
            return problem;
        }

        var given = new RiskContext(
            address, body.UserAgent, body.DeviceId, NormalEmail(body.Email), Of(body.BillingAddress), Of(body.ShippingAddress), body.SessionSeconds,
            body.AccountCreatedAt?.ToUniversalTime());
        told = given == new RiskContext() ? null : given;
        return null;
    }

    /// <summary>The payment's own values win over what is known of the browser that made the token.</summary>
    public static RiskContext? Merge(RiskContext? payment, RiskContext? token) => (payment, token) switch
    {
        (null, _) => token,
        (_, null) => payment,
        _ => new RiskContext(
            payment.Ip ?? token.Ip, payment.UserAgent ?? token.UserAgent, payment.DeviceId ?? token.DeviceId, payment.Email ?? token.Email,
            payment.BillingAddress ?? token.BillingAddress, payment.ShippingAddress ?? token.ShippingAddress, payment.SessionSeconds ?? token.SessionSeconds,
            payment.AccountCreatedAt ?? token.AccountCreatedAt),
    };

    public static bool IsEmail(string text) => text is { Length: <= LongestEmail } && Email().IsMatch(text);

    /// <summary>In which e-mail addresses are compared.</summary>
    public static string? NormalEmail(string? email) => email?.ToLowerInvariant();

    /// <summary>An address of the net in its canonical form; null for what is none.</summary>
    public static string? Canonical(string text)
    {
        // What parses and is written otherwise (octal, short forms, zones) may mean one address here and another elsewhere.
        if (text.Length > 45 || text.Contains('%', StringComparison.Ordinal) || !IPAddress.TryParse(text, out var address))
        {
            return null;
        }

        return address switch
        {
            { AddressFamily: AddressFamily.InterNetwork } => address.ToString() == text ? text : null,
            { IsIPv4MappedToIPv6: true } => address.MapToIPv4().ToString(),
            _ => text.StartsWith('[') ? null : address.ToString(),
        };
    }

    private static RiskAddress? Of(RiskAddressBody? body) =>
        body is null || body == new RiskAddressBody() ? null : new RiskAddress(body.Line1, body.Line2, body.City, body.PostalCode, body.State, body.Country);

    private static Problem? Address(string name, RiskAddressBody? address) => address is null
        ? null
        : Text($"{name}.line1", address.Line1, LongestLine)
            ?? Text($"{name}.line2", address.Line2, LongestLine)
            ?? Text($"{name}.city", address.City, LongestLine)
            ?? Text($"{name}.postal_code", address.PostalCode, LongestCode)
            ?? Text($"{name}.state", address.State, LongestLine)
            ?? (address.Country is { } country && !Countries.Has(country) ? Invalid($"{name}.country", "An ISO 3166 code of two upper-case letters is expected.") : null);

    private static Problem? Text(string name, string? text, int longest) =>
        text is not null && (text.Length == 0 || text.Length > longest || text.Any(char.IsControl))
            ? Invalid(name, $"A text of 1 to {longest} characters without control characters is expected.") : null;

    private static Problem Invalid(string member, string detail) => Problems.InvalidValue($"{Name}.{member}", detail);

    [GeneratedRegex(@"^[^\s@\x00-\x1f<>]{1,64}@[^\s@\x00-\x1f<>]+\.[^\s@.\x00-\x1f<>]+\z")]
    private static partial Regex Email();
}
