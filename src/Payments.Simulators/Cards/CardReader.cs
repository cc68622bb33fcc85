using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Payments.Simulators.Cards;

public enum CardProblem
{
    IncorrectNumber,
    NotATestCard,
    InvalidExpiryMonth,
    InvalidExpiryYear,
    InvalidCvc,
}

/// <summary>Turns card data into facts; the only place that sees a number.</summary>
public sealed class CardReader(FingerprintKey key, TimeProvider clock)
{
    public (CardFacts? Card, CardProblem? Problem) Read(string? number, string? month, string? year, string? cvc)
    {
        var digits = (number ?? "").Replace(" ", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal);
        if (!TestCards.PassesLuhn(digits))
        {
            return (null, CardProblem.IncorrectNumber);
        }

        if (TestCards.WithNumber(digits) is not { } card)
        {
            return (null, CardProblem.NotATestCard);
        }

        if (!TryNumber(month, out var expMonth) || expMonth is < 1 or > 12)
        {
            return (null, CardProblem.InvalidExpiryMonth);
        }

        if (!TryNumber(year, out var expYear) || IsPast(expMonth, expYear = expYear < 100 ? 2000 + expYear : expYear) || expYear > clock.GetUtcNow().Year + 50)
        {
            return (null, CardProblem.InvalidExpiryYear);
        }

        if (cvc is not null && (cvc.Length is < 3 or > 4 || !cvc.All(char.IsAsciiDigit)))
        {
            return (null, CardProblem.InvalidCvc);
        }

        return (FactsOf(card, digits, expMonth, expYear), null);
    }

    /// <summary>A bank account; null where it is none of the test accounts.</summary>
    public CardFacts? ReadAccount(string routing, string account, string type, string holder)
    {
        ArgumentNullException.ThrowIfNull(account);
        return TestBankAccounts.WithNumber(account) is not { } test ? null : new CardFacts
        {
            Brand = StripeMethodType,
            Last4 = account[^4..],
            Bin = "",
            ExpMonth = 0,
            ExpYear = 0,
            Country = "US",
            Funding = "unknown",
            Fingerprint = key.Of($"{routing}/{account}"),
            Behaviour = test.Behaviour,
            Bank = new BankFacts(routing, type, holder, TestBankAccounts.BankName),
        };
    }

    /// <summary>What Stripe calls a bank account among payment methods.</summary>
    public const string StripeMethodType = "us_bank_account";

    /// <summary>A card known by its name, as Stripe's <c>pm_card_visa</c>: valid for some years.</summary>
    public CardFacts ByName(TestCard card)
    {
        ArgumentNullException.ThrowIfNull(card);
        return FactsOf(card, card.Number, 12, clock.GetUtcNow().Year + 4);
    }

    private static bool TryNumber(string? text, out int number) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private bool IsPast(int month, int year)
    {
        var now = clock.GetUtcNow();
        return year < now.Year || (year == now.Year && month < now.Month);
    }

    private CardFacts FactsOf(TestCard card, string digits, int month, int year) => new()
    {
        Brand = card.Brand,
        Last4 = digits[^4..],
        Bin = digits[..6],
        ExpMonth = month,
        ExpYear = year,
        Country = card.Country,
        Funding = card.Funding,
        Fingerprint = key.Of(digits),
        Behaviour = card.Behaviour,
    };
}

/// <summary>A secret of this installation, so that a fingerprint or a request's digest tells nothing of the number behind it.</summary>
public sealed class FingerprintKey
{
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    private readonly byte[] key;

    public FingerprintKey(string directory)
    {
        Directory.CreateDirectory(directory);
        var path = Path.Combine(directory, "fingerprint.key");
        if (!File.Exists(path))
        {
            var half = path + ".new";
            File.WriteAllBytes(half, RandomNumberGenerator.GetBytes(32));
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(half, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            }

            File.Move(half, path);
        }

        key = File.ReadAllBytes(path);
    }

    /// <summary>Sixteen characters that are the same for the same card.</summary>
    public string Of(string number)
    {
        var hash = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(number));
        return string.Create(16, hash, (text, h) =>
        {
            for (var i = 0; i < text.Length; i++)
            {
                text[i] = Alphabet[h[i] % Alphabet.Length];
            }
        });
    }

    /// <summary>Digest of a whole request, to notice the same key with other parameters.</summary>
    public string OfRequest(string method, string path, ReadOnlySpan<byte> body)
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        hash.AppendData(Encoding.UTF8.GetBytes($"{method} {path}\n"));
        hash.AppendData(body);
        return Convert.ToBase64String(hash.GetHashAndReset());
    }
}
