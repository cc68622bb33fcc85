using Payments.Connectors;
using Payments.Core.Seams;
using Payments.Platform.Http;

namespace Payments.Vault.BankAccounts;

/// <summary>A bank account as the request carries it. Lives as long as the request, prints as nothing.</summary>
internal sealed record BankAccountRequest(string RoutingNumber, string AccountNumber, BankAccountType AccountType, string HolderName, BankHolderType HolderType)
{
    public override string ToString() => "BankAccountRequest";
}

/// <summary>When and from where its holder authorized debits. Prints as nothing.</summary>
internal sealed record MandateRequest(DateTimeOffset AcceptedAt, string Ip, string UserAgent)
{
    public override string ToString() => "MandateRequest";
}

/// <summary>Checks a bank account without telling anybody what it is: no refusal repeats a digit of it.</summary>
internal static class BankAccountCheck
{
    private const int RoutingDigits = 9;
    private const int LongestName = 100;

    /// <summary>Clocks of shops differ from ours.</summary>
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(5);

    /// <summary>What was authorized longer ago is no authorization of a debit of today.</summary>
    private static readonly TimeSpan OldestMandate = TimeSpan.FromDays(730);

    // First two digits, from and to: Federal Reserve districts, thrift institutions, electronic transactions and traveler's cheques.
    private static readonly (int From, int To)[] Districts = [(1, 12), (21, 32), (61, 72), (80, 80)];

    private static readonly Problem Routing = new(400, "invalid_routing_number", "A routing number has nine digits, of which the last is a check digit.", "bank_account.routing_number");
    private static readonly Problem Account = new(400, "invalid_account_number", "An account number has 4 to 17 digits, without spaces, and not only zeros.", "bank_account.account_number");
    private static readonly Problem Holder = new(400, "invalid_holder_name", "A name of 1 to 100 characters, without the digits of an account and control characters, is expected.", "bank_account.holder_name");
    private static readonly Problem Ip = Problems.InvalidValue("mandate.ip", "An IPv4 or IPv6 address is expected.");
    private static readonly Problem UserAgent = Problems.InvalidValue("mandate.user_agent", $"A text of 1 to {RiskContexts.LongestUserAgent} characters without control characters is expected.");
    private static readonly Problem AcceptedAt = Problems.InvalidValue("mandate.accepted_at", "A time within the last two years is expected.");

    public static Problem? Refuse(BankAccountRequest account)
    {
        ArgumentNullException.ThrowIfNull(account);
        if (!IsRoutingNumber(account.RoutingNumber))
        {
            return Routing;
        }

        if (account.AccountNumber.Length is < 4 or > 17 || !account.AccountNumber.All(char.IsAsciiDigit) || account.AccountNumber.All(c => c == '0'))
        {
            return Account;
        }

        var name = account.HolderName;
        return string.IsNullOrWhiteSpace(name) || name.Length > LongestName || name.Any(char.IsControl) || name.Contains(account.AccountNumber, StringComparison.Ordinal)
            ? Holder
            : null;
    }

    public static Problem? Refuse(MandateRequest mandate, DateTimeOffset now, out Mandate? given)
    {
        ArgumentNullException.ThrowIfNull(mandate);
        given = null;
        if (mandate.AcceptedAt > now + Skew || mandate.AcceptedAt < now - OldestMandate)
        {
            return AcceptedAt;
        }

        if (RiskContexts.Canonical(mandate.Ip) is not { } ip)
        {
            return Ip;
        }

        if (mandate.UserAgent.Length is 0 or > RiskContexts.LongestUserAgent || mandate.UserAgent.Any(char.IsControl))
        {
            return UserAgent;
        }

        given = new Mandate(mandate.AcceptedAt.ToUniversalTime(), ip, mandate.UserAgent);
        return null;
    }

    /// <summary>The check of the American Bankers Association: weights 3, 7, 1, a multiple of ten; and a district that exists.</summary>
    public static bool IsRoutingNumber(string digits)
    {
        ArgumentNullException.ThrowIfNull(digits);
        if (digits.Length != RoutingDigits || !digits.All(char.IsAsciiDigit))
        {
            return false;
        }

        var district = ((digits[0] - '0') * 10) + (digits[1] - '0');
        var sum = 0;
        for (var i = 0; i < RoutingDigits; i++)
        {
            sum += (digits[i] - '0') * (i % 3 == 0 ? 3 : i % 3 == 1 ? 7 : 1);
        }

        return sum % 10 == 0 && Districts.Any(d => district >= d.From && district <= d.To);
    }

    public static BankAccountData ToData(BankAccountRequest account)
    {
        ArgumentNullException.ThrowIfNull(account);
        return new(account.RoutingNumber, account.AccountNumber, account.AccountType, account.HolderType, account.HolderName);
    }
}
