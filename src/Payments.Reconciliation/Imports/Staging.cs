using System.Globalization;
using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Platform.Http;

namespace Payments.Reconciliation.Imports;

/// <summary>Writes lines into the table of their import by binary COPY.</summary>
internal sealed class Staging(long import, Mode mode, ReadOnlyMemory<byte> contentHash, Rates rates)
{
    public static string TableOf(long import) => string.Create(CultureInfo.InvariantCulture, $"recon.staged_{import}");

    /// <summary>Whether what was exchanged can be said in the item's currency.</summary>
    public bool CanHold(StatementLine line)
    {
        ArgumentNullException.ThrowIfNull(line);
        try
        {
            _ = rates.InItemCurrency(line, DayOf(line));
            return true;
        }
        catch (OverflowException)
        {
            return false;
        }
    }

    public async Task CopyAsync(NpgsqlConnection connection, IReadOnlyList<StatementLine> lines, CancellationToken cancellationToken)
    {
        if (lines.Count == 0)
        {
            return;
        }

        await using var writer = await connection.BeginBinaryImportAsync(
            $"COPY {TableOf(import)} (line, match_key, day, mode, leg, provider, kind, reference, alternative, currency, gross, net_currency, fee, net, item_fee, item_fx, item_net, batch, batch_day, batch_key, occurred_at, attempt_id) FROM STDIN (FORMAT BINARY)",
            cancellationToken);
        foreach (var line in lines)
        {
            await writer.StartRowAsync(cancellationToken);
            await WriteAsync(writer, line, cancellationToken);
        }

        await writer.CompleteAsync(cancellationToken);
    }

    private static DateOnly DayOf(StatementLine line) => line.Leg == Leg.Bank ? line.BatchDay!.Value : Calendars.DayOf(line.Provider, line.OccurredAt);

    private async Task WriteAsync(NpgsqlBinaryImporter writer, StatementLine line, CancellationToken cancellationToken)
    {
        var day = DayOf(line);
        var (fee, fx, net) = rates.InItemCurrency(line, day);
        var key = line.Reference is { } reference
            ? MatchKey.Of(mode, line.Leg, line.Provider, line.Kind, reference, line.Currency)
            : MatchKey.OfLine(contentHash.Span, line.Number);
        await writer.WriteAsync(line.Number, NpgsqlDbType.Bigint, cancellationToken);
        await writer.WriteAsync(key, NpgsqlDbType.Uuid, cancellationToken);
        await writer.WriteAsync(day, NpgsqlDbType.Date, cancellationToken);
        await TextAsync(ModeNames.Of(mode));
        await TextAsync(Words.Of(line.Leg));
        await TextAsync(line.Provider);
        await TextAsync(Words.Of(line.Kind));
        await TextAsync(line.Reference);
        await TextAsync(line.Alternative);
        await TextAsync(line.Currency);
        await NumberAsync(line.Gross);
        await TextAsync(line.NetCurrency);
        await NumberAsync(line.Fee);
        await NumberAsync(line.Net);
        await NumberAsync(fee);
        await NumberAsync(fx);
        await NumberAsync(net);
        await TextAsync(line.Batch);
        if (line is { Leg: Leg.Provider, Batch: { } batch, BatchDay: { } batchDay })
        {
            await writer.WriteAsync(batchDay, NpgsqlDbType.Date, cancellationToken);
            await writer.WriteAsync(MatchKey.Of(mode, Leg.Bank, line.Provider, LineKind.Payout, batch, line.NetCurrency), NpgsqlDbType.Uuid, cancellationToken);
        }
        else
        {
            await writer.WriteNullAsync(cancellationToken);
            await writer.WriteNullAsync(cancellationToken);
        }

        await writer.WriteAsync(line.OccurredAt.ToUniversalTime(), NpgsqlDbType.TimestampTz, cancellationToken);
        await (line.Attempt is { } attempt ? writer.WriteAsync(attempt.Value, NpgsqlDbType.Uuid, cancellationToken) : writer.WriteNullAsync(cancellationToken));

        Task TextAsync(string? text) => text is null ? writer.WriteNullAsync(cancellationToken) : writer.WriteAsync(text, NpgsqlDbType.Text, cancellationToken);

        Task NumberAsync(long number) => writer.WriteAsync(number, NpgsqlDbType.Bigint, cancellationToken);
    }
}
