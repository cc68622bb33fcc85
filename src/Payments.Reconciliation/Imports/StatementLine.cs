namespace Payments.Reconciliation.Imports;

/// <summary>One line of a statement, in minor units, before it is compared with anything.</summary>
/// <param name="Number">The line in the file, from 1, where it begins.</param>
/// <param name="Gross">Signed, in <paramref name="Currency"/>.</param>
/// <param name="Fee">What was kept, in <paramref name="NetCurrency"/>; negative where it is given back.</param>
/// <param name="Net">What is paid out for it, in <paramref name="NetCurrency"/>.</param>
/// <param name="Batch">The payout that contains it.</param>
public sealed record StatementLine(
    long Number, Leg Leg, string Provider, LineKind Kind, string? Reference, string? Alternative, string Currency, long Gross, string NetCurrency, long Fee, long Net,
    string? Batch, DateOnly? BatchDay, DateTimeOffset OccurredAt);

/// <summary>Why a line could not be read.</summary>
public sealed record Rejection(string? Column, string Reason);

/// <summary>One outcome of reading: a line, or a rejection of one.</summary>
public readonly record struct LineRead(long Number, StatementLine? Line, Rejection? Rejection)
{
    public static LineRead Of(StatementLine line)
    {
        ArgumentNullException.ThrowIfNull(line);
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
