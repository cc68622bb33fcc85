using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;
using Payments.Simulators.Cards;

namespace Payments.IntegrationTests.CardSearch;

/// <summary>
/// Looks for numbers of cards and bank accounts, and security codes: every number that a simulated provider knows, as plain digits and in groups of four,
/// and anything that looks like a named security code.
/// </summary>
public static partial class CardDataSearch
{
    /// <summary>A number for planting, of no test card: the search of a whole run leaves it aside.</summary>
    public const string PlantedNumber = "4000009990001237";

    /// <summary>A code for planting, that no test sends as a card's.</summary>
    public const string PlantedCode = "917";

    /// <summary>Longer than whatever is looked for.</summary>
    private const int Overlap = 64;
    // An account number of two digits, nearly all of them zeros, stands in ids and names of files, too.
    private static IEnumerable<string> Numbers => TestCards.All.Select(c => c.Number).Concat(TestBankAccounts.All.Select(a => a.Number).Where(n => n.Distinct().Count() > 2));

    private static readonly SearchValues<string> TestNumbers = Needles(Numbers);
    private static readonly SearchValues<string> AllNumbers = Needles(Numbers.Append(PlantedNumber));

    /// <summary>What was found, without repeating it; empty where there is nothing.</summary>
    /// <param name="planted">Whether what is only planted counts.</param>
    public static IReadOnlyList<string> InText(ReadOnlySpan<char> text, string where, bool planted = true)
    {
        List<string> found = [];
        if (text.ContainsAny(planted ? AllNumbers : TestNumbers))
        {
            found.Add($"{where}: a card number");
        }

        foreach (var code in SecurityCode().EnumerateMatches(text))
        {
            if (planted || !text.Slice(code.Index, code.Length).EndsWith(PlantedCode, StringComparison.Ordinal))
            {
                found.Add($"{where}: a security code");
                break;
            }
        }

        return found;
    }

    /// <summary>Bytes of any kind: text in them is found whatever surrounds it.</summary>
    public static IReadOnlyList<string> InBytes(ReadOnlySpan<byte> bytes, string where) => InText(Encoding.Latin1.GetString(bytes), where);

    private static bool HasContent(string file)
    {
        try
        {
            return new FileInfo(file).Length > 0;
        }
        catch (FileNotFoundException)
        {
            return false;
        }
    }

    /// <summary>The files below a directory that hold card data, read in overlapping pieces.</summary>
    /// <param name="planted">Whether what is only planted counts.</param>
    public static async Task<IReadOnlyList<string>> InFilesAsync(string directory, bool planted, CancellationToken cancellationToken)
    {
        List<string> found = [];
        var bytes = new byte[1 << 20];
        var characters = new char[bytes.Length];
        // The lock of a running product is empty and cannot be opened.
        foreach (var file in Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories).Where(HasContent))
        {
            FileStream stream;
            try
            {
                stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            }
            catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
            {
                continue; // a server removed it meanwhile
            }

            await using var closing = stream;
            var kept = 0;
            for (int read; (read = await stream.ReadAsync(bytes.AsMemory(kept), cancellationToken)) > 0;)
            {
                var length = Encoding.Latin1.GetChars(bytes, 0, kept + read, characters, 0);
                if (InText(characters.AsSpan(0, length), Path.GetRelativePath(directory, file), planted) is { Count: > 0 } here)
                {
                    found.AddRange(here);
                    break;
                }

                kept = Math.Min(Overlap, length);
                bytes.AsSpan(length - kept, kept).CopyTo(bytes);
            }
        }

        return found;
    }

    private static SearchValues<string> Needles(IEnumerable<string> numbers) => SearchValues.Create(
        [.. numbers.SelectMany(n => (string[])[n, Grouped(n, ' '), Grouped(n, '-')]).Distinct()], StringComparison.Ordinal);

    private static string Grouped(string number, char separator) => string.Join(separator, number.Chunk(4).Select(c => new string(c)));

    [GeneratedRegex("""\b(cvc|cvv|cvc2|cvv2|security_code)\b\\?["']?\s*[:=]\s*\\?["']?\d{3,4}\b""", RegexOptions.IgnoreCase)]
    private static partial Regex SecurityCode();
}
