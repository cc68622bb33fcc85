using System.Security.Cryptography;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Ledger.Books;
using Payments.Platform.Postgres;

namespace Payments.Ledger.Settlement;

/// <summary>What became of a booking.</summary>
public enum HouseVerdict
{
    Booked,
    Duplicate,

    /// <summary>The id was booked with another content.</summary>
    Conflict,

    /// <summary>No exchange rate of ours is valid at its time.</summary>
    RateMissing,

    /// <summary>The amount is above its currency's limit and nobody else approved it.</summary>
    SecondPersonNeeded,

    /// <summary>The id is of a time in which nothing is booked any more.</summary>
    IdTooOld,
}

/// <summary>Books what reconciliation proved, each under the id that its caller made, in one transaction.</summary>
public sealed class HouseBooks(NpgsqlDataSource database, TimeProvider time)
{
    // Partitions of the books begin with last month; what is repeated later is known, what is new has a new id.
    private static readonly TimeSpan OldestNewId = TimeSpan.FromDays(27);

    private const string Remember = """
        INSERT INTO ledger.house_journals (id, mode, type, content_hash, content, proposed_by, approved_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING
        """;

    public async Task<HouseVerdict> BookAsync(ProviderSettlement settled, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(settled);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var content = JsonSerializer.SerializeToUtf8Bytes(settled, Json.Options);
        var row = new Row(settled.Id.Value, settled.Mode, ProviderSettlementPostings.EventType, content, null, null);
        if (await RememberAsync(connection, transaction, row, cancellationToken) is { } known)
        {
            return known;
        }

        if (IsTooOld(settled.Id.Value))
        {
            return HouseVerdict.IdTooOld;
        }

        if (await WithOurWorthAsync(connection, transaction, settled, cancellationToken) is not { } valued)
        {
            return HouseVerdict.RateMissing;
        }

        var lines = ProviderSettlementPostings.For(valued);
        await PostAsync(connection, transaction, HouseJournal.Of(settled.Id.Value, settled.Id.Value, settled.Mode, default, row.Type, settled.SettledAt, lines), cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return HouseVerdict.Booked;
    }

    public async Task<HouseVerdict> BookAsync(LedgerCorrection correction, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(correction);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var content = JsonSerializer.SerializeToUtf8Bytes(correction, Json.Options);
        var row = new Row(correction.Id.Value, correction.Mode, CorrectionPostings.EventType, content, correction.ProposedBy, correction.ApprovedBy);
        if (await RememberAsync(connection, transaction, row, cancellationToken) is { } known)
        {
            return known;
        }

        if (correction.ApprovedBy is null && await IsAboveLimitAsync(connection, transaction, correction, cancellationToken))
        {
            return HouseVerdict.SecondPersonNeeded;
        }

        if (IsTooOld(correction.Id.Value))
        {
            return HouseVerdict.IdTooOld;
        }

        var subject = correction.PaymentId?.Value ?? correction.Id.Value;
        var journal = HouseJournal.Of(
            correction.Id.Value, subject, correction.Mode, correction.MerchantId ?? default, row.Type, correction.EffectiveAt, CorrectionPostings.For(correction));
        await PostAsync(connection, transaction, journal, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return HouseVerdict.Booked;
    }

    private bool IsTooOld(Guid id) => Id.TimeOf(id) < time.GetUtcNow() - OldestNewId;

    // The insert waits for whoever books the same id at this moment: then it is known, or it is ours.
    private static async Task<HouseVerdict?> RememberAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, Row row, CancellationToken cancellationToken)
    {
        var hash = SHA256.HashData(row.Content);
        await using var insert = new NpgsqlCommand(Remember, connection, transaction).With(row.Id, Account.Text(row.Mode), row.Type, hash);
        insert.Parameters.Add(new() { Value = row.Content, NpgsqlDbType = NpgsqlDbType.Jsonb });
        insert.With(row.ProposedBy, row.ApprovedBy);
        if (await insert.ExecuteNonQueryAsync(cancellationToken) == 1)
        {
            return null;
        }

        await using var read = new NpgsqlCommand("SELECT content_hash FROM ledger.house_journals WHERE id = $1", connection, transaction).With(row.Id);
        var first = (byte[])(await read.ExecuteScalarAsync(cancellationToken))!;
        return first.AsSpan().SequenceEqual(hash) ? HouseVerdict.Duplicate : HouseVerdict.Conflict;
    }

    private static async Task<ProviderSettlement?> WithOurWorthAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, ProviderSettlement settled, CancellationToken cancellationToken)
    {
        var valued = new List<ProviderSettlementCurrency>();
        foreach (var part in settled.Currencies)
        {
            if (part.Conversion is { BookMinor: null } exchanged)
            {
                var (from, to) = (Currency.Of(part.Currency), Currency.Of(exchanged.Currency));
                if (await FxRates.AtAsync(connection, transaction, from, to, settled.SettledAt, cancellationToken) is not { } rate)
                {
                    return null;
                }

                valued.Add(part with { Conversion = exchanged with { BookMinor = FxRates.Convert(part.NetMinor, from, to, rate) } });
            }
            else
            {
                valued.Add(part);
            }
        }

        return settled with { Currencies = valued };
    }

    private static async Task<bool> IsAboveLimitAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, LedgerCorrection correction, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            "SELECT above FROM ledger.correction_limits WHERE currency IN ($1, '*') ORDER BY currency = '*' LIMIT 1", connection, transaction).With(correction.Currency);
        return correction.AmountMinor > (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private static async Task PostAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, JournalDraft journal, CancellationToken cancellationToken)
    {
        var verdict = await JournalWriter.PostAsync(connection, transaction, [journal], cancellationToken);
        Invariant.Holds(verdict is [PostingVerdict.Posted], $"a booking of the house is posted once (verdict {verdict[0]})");
    }

    private sealed record Row(Guid Id, Mode Mode, string Type, byte[] Content, string? ProposedBy, string? ApprovedBy);
}
