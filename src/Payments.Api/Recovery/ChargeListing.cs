using System.ComponentModel.DataAnnotations;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Options;
using Npgsql;
using Payments.Api.Flow;
using Payments.Connectors;
using Payments.Core;
using Payments.Platform;
using Payments.Platform.Postgres;

namespace Payments.Api.Recovery;

/// <summary>Section <c>Payments:Listing</c>.</summary>
public sealed class ListingOptions
{
    public const string Section = "Payments:Listing";

    /// <summary>How often each provider's new charges are looked through: a phantom is seen within five minutes. Those of the overlap are looked through each time.</summary>
    [Range(100, 240_000)]
    public int IntervalMilliseconds { get; set; } = 180_000;

    /// <summary>How far a listing reaches back before where the last one ended: providers' clocks, and lists that lag behind.</summary>
    public TimeSpan Overlap { get; set; } = TimeSpan.FromMinutes(10);
}

/// <summary>A stretch of a provider's charges that this process has taken.</summary>
/// <param name="Until">Where the listing ends, in database time; the next one begins there.</param>
/// <param name="IsBehind">More is to be listed right after.</param>
public sealed record TakenStretch(Provider Provider, Mode Mode, DateTimeOffset From, DateTimeOffset Until, long Fence, bool IsBehind);

/// <summary>
/// Looks through each provider's recent charges for those that we do not have, and for those that we have and it does not. The cursor is durable and moves only once a stretch was
/// walked to its end, so what a crash interrupts is walked again; stretches overlap.
/// </summary>
public sealed class ChargeListing(
    NpgsqlDataSource database, ConnectorRegistry connectors, Phantoms phantoms, MissingCharges missing, TimeProvider time, IOptions<ListingOptions> options, ILogger<ChargeListing> logger)
    : BackgroundService
{
    public const string Finder = "charge listing";

    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan LongestStretch = TimeSpan.FromHours(1);

    /// <summary>
    /// After a page it is rested three times as long as that page took, so that a list of tens of thousands takes a quarter of a processor's
    /// time and not all of it, while customers wait. No longer than this: a list must end before the next one is due.
    /// </summary>
    private static readonly TimeSpan LongestRest = TimeSpan.FromMilliseconds(100);

    private static readonly Meter Meter = new("Payments.Api");
    private static readonly Counter<long> Listed = Meter.CreateCounter<long>("payments.charges.listed", "{charge}", "Providers' charges looked at, by provider and verdict.");

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(
        connectors.All.Where(c => c.Capabilities.ListsCharges).Select(connector => Rounds.RunAsync(
            TimeSpan.FromMilliseconds(Math.Min(options.Value.IntervalMilliseconds, 5_000)), time,
            async cancellationToken =>
            {
                while (await ListAsync(connector, cancellationToken))
                {
                    // The cursor is more than a stretch behind.
                }
            },
            e => Log.ListingFailed(logger, e, connector.Provider, connector.Mode), stoppingToken)));

    /// <summary>Walks the next stretch if one is due and nobody else has it; true where more is to be listed right after.</summary>
    public async Task<bool> ListAsync(IConnector connector, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(connector);
        if (await TakeAsync(connector.Provider, connector.Mode, cancellationToken) is not { } stretch)
        {
            return false;
        }

        string? after = null;
        var isWhole = true;
        var listed = new HashSet<string>(StringComparer.Ordinal);
        while (true)
        {
            var began = time.GetTimestamp();
            var page = await connector.ListChargesAsync(new ChargeListCall(stretch.From, stretch.Until, after), cancellationToken);
            if (page.Kind != ReadBackKind.Found || !await RenewAsync(stretch, cancellationToken))
            {
                // The same stretch again, when the interval is over or by whoever took it.
                await EndAsync(stretch, null, cancellationToken);
                return false;
            }

            listed.UnionWith(page.Charges.Select(c => c.Reference));
            foreach (var mention in await UnknownAsync(stretch, page.Charges, cancellationToken))
            {
                isWhole &= await LookAtAsync(connector, mention, cancellationToken);
            }

            if (page.Next is null)
            {
                break;
            }

            after = page.Next;
            var rest = time.GetElapsedTime(began) * 3;
            await Task.Delay(rest < LongestRest ? rest : LongestRest, time, cancellationToken);
        }

        isWhole &= await missing.LookAsync(connector, stretch, options.Value.Overlap, listed, cancellationToken);
        await EndAsync(stretch, isWhole ? stretch.Until : null, cancellationToken);
        return isWhole && stretch.IsBehind;
    }

    /// <summary>False where the provider did not tell. A charge that cannot be taken in must not hide the others: a person is told.</summary>
    private async Task<bool> LookAtAsync(IConnector connector, ChargeMention mention, CancellationToken cancellationToken)
    {
        try
        {
            return await TakeInAsync(connector, mention, cancellationToken);
        }
        catch (Exception e) when (e is InvariantException or PostgresException && !Outage.IsOne(e))
        {
            Log.ChargeNotTakenIn(logger, e, connector.Provider, mention.Reference);
            await phantoms.UnreadableAsync(connector.Provider, connector.Mode, mention.Reference, cancellationToken);
            return true;
        }
    }

    private async Task<bool> TakeInAsync(IConnector connector, ChargeMention mention, CancellationToken cancellationToken)
    {
        var reading = await connector.ReadChargeAsync(mention.Reference, cancellationToken);
        if (reading is { Kind: ReadBackKind.Found, Charge: null } or { Kind: ReadBackKind.NotFound })
        {
            // Listed as paid, and not to be read as a payment of ours: money all the same.
            await phantoms.UnreadableAsync(connector.Provider, connector.Mode, mention.Reference, cancellationToken);
        }
        else if (reading.Charge is { } charge)
        {
            var verdict = await phantoms.TakeInAsync(charge, Finder, cancellationToken);
            Listed.Add(1, new("payments.provider", Words.Of(connector.Provider)), new("payments.verdict", Words.Of(verdict)));
        }

        return reading.Kind is ReadBackKind.Found or ReadBackKind.NotFound;
    }

    /// <summary>Leaves out what is known by name, which is nearly everything, in one query.</summary>
    private async Task<IReadOnlyList<ChargeMention>> UnknownAsync(TakenStretch stretch, IReadOnlyList<ChargeMention> mentions, CancellationToken cancellationToken)
    {
        const string sql = """
            SELECT reference FROM provider_references WHERE provider = $1 AND mode = $2 AND reference = ANY ($3)
            UNION ALL
            SELECT reference FROM breaks WHERE provider = $1 AND mode = $2 AND reference = ANY ($3)
            """;
        await using var command = database.CreateCommand(sql).With(Words.Of(stretch.Provider), Words.Of(stretch.Mode), mentions.Select(m => m.Reference).ToArray());
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var known = new HashSet<string>(StringComparer.Ordinal);
        while (await row.ReadAsync(cancellationToken))
        {
            known.Add(row.GetString(0));
        }

        Listed.Add(known.Count, new("payments.provider", Words.Of(stretch.Provider)), new("payments.verdict", Words.Of(ChargeVerdict.Known)));
        var unknown = ChargeMatching.Phantoms(mentions.Select(m => m.Reference), known);
        return [.. mentions.Where(m => unknown.Contains(m.Reference)).DistinctBy(m => m.Reference)];
    }

    private async Task<TakenStretch?> TakeAsync(Provider provider, Mode mode, CancellationToken cancellationToken)
    {
        const string first = "INSERT INTO charge_listings (provider, mode, listed_until) VALUES ($1, $2, now()) ON CONFLICT DO NOTHING";
        const string sql = """
            UPDATE charge_listings SET leased_until = now() + $3, fence = fence + 1
            WHERE provider = $1 AND mode = $2 AND due_at <= now() AND (leased_until IS NULL OR leased_until < now())
            RETURNING listed_until, now(), fence
            """;
        await using var batch = database.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand(first) { Parameters = { new() { Value = Words.Of(provider) }, new() { Value = Words.Of(mode) } } });
        batch.BatchCommands.Add(new NpgsqlBatchCommand(sql) { Parameters = { new() { Value = Words.Of(provider) }, new() { Value = Words.Of(mode) }, new() { Value = Lease } } });
        await using var row = await batch.ExecuteReaderAsync(cancellationToken);
        if (!await row.ReadAsync(cancellationToken))
        {
            return null;
        }

        var (listed, now, fence) = (row.GetFieldValue<DateTimeOffset>(0), row.GetFieldValue<DateTimeOffset>(1), row.GetInt64(2));
        var until = listed + LongestStretch < now ? listed + LongestStretch : now;
        return new TakenStretch(provider, mode, listed - options.Value.Overlap, until, fence, until < now);
    }

    /// <summary>False where the lease ran out and another one took the stretch.</summary>
    private async Task<bool> RenewAsync(TakenStretch stretch, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("UPDATE charge_listings SET leased_until = now() + $4 WHERE provider = $1 AND mode = $2 AND fence = $3")
            .With(Words.Of(stretch.Provider), Words.Of(stretch.Mode), stretch.Fence, Lease);
        return await command.ExecuteNonQueryAsync(cancellationToken) == 1;
    }

    /// <param name="listedUntil">Absent: the stretch was not walked to its end.</param>
    private async Task EndAsync(TakenStretch stretch, DateTimeOffset? listedUntil, CancellationToken cancellationToken)
    {
        const string sql = """
            UPDATE charge_listings SET leased_until = NULL, listed_until = coalesce($4::timestamptz, listed_until), due_at = now() + $5
            WHERE provider = $1 AND mode = $2 AND fence = $3
            """;
        var pause = stretch.IsBehind && listedUntil is not null ? TimeSpan.Zero : TimeSpan.FromMilliseconds(options.Value.IntervalMilliseconds);
        await using var command = database.CreateCommand(sql).With(Words.Of(stretch.Provider), Words.Of(stretch.Mode), stretch.Fence, listedUntil, pause);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
