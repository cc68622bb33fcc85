using Payments.Core;

namespace Payments.Connectors.Wire;

/// <summary>What both providers tell of an authentication: only what has the form that it must have.</summary>
internal static class AuthenticationReading
{
    private const int LongestVersion = 10;

    public static string? Eci(string? text) => text is { Length: 2 } && text.All(char.IsAsciiDigit) ? text : null;

    public static string? Version(string? text) => text is { Length: > 0 and <= LongestVersion } && text.All(c => char.IsAsciiDigit(c) || c == '.') ? text : null;

    /// <summary>A decline that says so is an authentication that failed, also where nothing else is told of it; and what was declined was not exempted.</summary>
    public static AuthenticationOutcome? OfDecline(AuthenticationOutcome? told, Decline? decline) =>
        (told is { Result: AuthenticationResult.Exempted } && decline is not null ? null : told) ?? (decline?.Code == "authentication_failed" ? new AuthenticationOutcome(AuthenticationResult.Failed, null, null, null, false) : null);
}
