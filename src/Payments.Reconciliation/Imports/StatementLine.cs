using Payments.Core;

namespace Payments.Reconciliation.Imports;

/// <summary>One line of a statement, in minor units, before it is compared with anything.</summary>
/// <param name="Number">The line in the file, from 1, where it begins.</param>
/// <param name="Gross">Signed, in <paramref name="Currency"/>.</param>
/// <param name="Fee">What was kept, in <paramref name="NetCurrency"/>; negative where it is given back.</param>
/// <param name="Net">What is paid out for it, in <paramref name="NetCurrency"/>.</param>
/// <param name="Batch">The payout that contains it.</param>
/// <param name="Attempt">Ours, as far as the statement echoes it.</param>
public sealed record StatementLine(
    long Number, Leg Leg, string Provider, LineKind Kind, string? Reference, string? Alternative, string Currency, long Gross, string NetCurrency, long Fee, long Net,
    string? Batch, DateOnly? BatchDay, DateTimeOffset OccurredAt, AttemptId? Attempt = null)
{
    /// <summary>A hundred million millions of minor units: what is multiplied with a rate stays exact below it.</summary>
    private const long Most = 100_000_000_000_000;
    private const int LongestText = 200;
    private static readonly DateOnly First = new(2000, 1, 1);
    private static readonly DateOnly Last = new(2100, 1, 1);

    /// <summary>Why no line of a statement can be so; null: it can.</summary>
    public string? Fault =>
        IsBeyond(Gross) || IsBeyond(Fee) || IsBeyond(Net) ? "an amount is too large"
        : IsBeyond(DateOnly.FromDateTime(OccurredAt.UtcDateTime)) || (BatchDay is { } day && IsBeyond(day)) ? "a date is out of all bounds"
        : IsNoText(Reference) || IsNoText(Alternative) || IsNoText(Batch) ? $"a reference has a control character, or more than {LongestText} characters"
        : null;

    private static bool IsBeyond(long amount) => amount is < -Most or > Most;

    private static bool IsBeyond(DateOnly day) => day < First || day > Last;

    private static bool IsNoText(string? text) => text is not null && (text.Length > LongestText || text.Any(char.IsControl));
}

/// <summary>Why a line could not be read.</summary>
public sealed record Rejection(string? Column, string Reason);

/// <summary>One outcome of reading: a line, or a rejection of one.</summary>
public readonly record struct LineRead(long Number, StatementLine? Line, Rejection? Rejection)
{
    /// <exception cref="UnreadableException">What it says is no payment's: such a line would stop the file where it is written or summed.</exception>
    public static LineRead Of(StatementLine line)
    {
        ArgumentNullException.ThrowIfNull(line);
        if (line.Fault is { } fault)
        {
            throw new UnreadableException(null, fault);
        }

        return new(line.Number, line, null);
    }

    public static LineRead Rejected(long number, string? column, string reason) => new(number, null, new(column, reason));
}

/// <summary>A value that cannot be read; the line it stands in is set aside.</summary>
public sealed class UnreadableException(string? column, string reason) : Exception(reason)
{
    public string? Column { get; } = column;
}

/// <summary>A file that as a whole is no statement: nothing of it counts.</summary>
public sealed class RefusedFileException(long line, string reason) : Exception(reason)
{
    public long Line { get; } = line;
}
