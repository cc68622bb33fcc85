using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Inbox;

namespace Payments.Reconciliation.Intake;

/// <summary>Takes payment events in as expected items, in the transaction of the checkpoint.</summary>
public sealed class ItemIntake : IEventHandler
{
    public async Task ApplyAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, IReadOnlyList<ReceivedEvent> batch, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var items = batch.Select(r => (Item: ExpectedItem.Of(r.Event), r.Event.Type)).Where(i => i.Item is not null).Select(i => (Item: i.Item!, i.Type)).ToArray();
        await AddAsync(connection, transaction, items, cancellationToken);
        await SuspendedMoney.AddAsync(connection, transaction, batch, cancellationToken);
    }

    /// <summary>Adds items; what is there already stays. A day that is closed takes nothing: they belong to the next one.</summary>
    public static async Task AddAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, IReadOnlyList<(ExpectedItem Item, string Type)> items, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(items);
        if (items.Count == 0)
        {
            return;
        }

        var openDays = await OpenDaysAsync(connection, transaction, [.. items.Select(i => (i.Item.Mode, i.Item.Provider, i.Item.Day)).Distinct().Order()], cancellationToken);
        await using var batch = new NpgsqlBatch(connection, transaction);
        batch.BatchCommands.Add(new("SELECT recon.make_partitions($1, $2)") { Parameters = { new() { Value = openDays.Values.Min() }, new() { Value = openDays.Values.Max() } } });

        // The first of a key and day is occurrence 1, the next ones follow: as many passes as the most frequent has.
        var rest = items.Select(i => (i.Item, i.Type, Day: openDays[(i.Item.Mode, i.Item.Provider, i.Item.Day)])).ToList();
        while (rest.Count > 0)
        {
            var pass = rest.DistinctBy(i => (i.Item.Key, i.Day)).ToArray();
            batch.BatchCommands.Add(Insert(pass));
            var done = pass.Select(p => p.Item.Id).ToHashSet();
            rest.RemoveAll(i => done.Contains(i.Item.Id));
        }

        var merchants = items.Select(i => (i.Item.Mode, i.Item.MerchantId)).Distinct().ToArray();
        batch.BatchCommands.Add(new("""
            INSERT INTO recon.merchants (mode, merchant_id) SELECT n.mode, n.merchant_id FROM unnest($1::text[], $2::uuid[]) AS n (mode, merchant_id) ORDER BY 1, 2 ON CONFLICT DO NOTHING
            """)
        {
            Parameters = { new() { Value = Array.ConvertAll(merchants, m => ModeNames.Of(m.Mode)) }, new() { Value = Array.ConvertAll(merchants, m => m.MerchantId) } },
        });
        foreach (var ((mode, provider, _), day) in openDays)
        {
            batch.BatchCommands.Add(new("SELECT recon.touch($1, 'provider', $2, $3)")
            {
                Parameters = { new() { Value = ModeNames.Of(mode) }, new() { Value = provider }, new() { Value = day } },
            });
        }

        await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<Dictionary<(Mode, string, DateOnly), DateOnly>> OpenDaysAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, IReadOnlyList<(Mode Mode, string Provider, DateOnly Day)> keys, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection, transaction);
        foreach (var key in keys)
        {
            batch.BatchCommands.Add(new("SELECT recon.open_day($1, 'provider', $2, $3)")
            {
                Parameters = { new() { Value = ModeNames.Of(key.Mode) }, new() { Value = key.Provider }, new() { Value = key.Day } },
            });
        }

        var days = new Dictionary<(Mode, string, DateOnly), DateOnly>();
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        foreach (var key in keys)
        {
            await reader.ReadAsync(cancellationToken);
            days.Add(key, await reader.GetFieldValueAsync<DateOnly>(0, cancellationToken));
            await reader.NextResultAsync(cancellationToken);
        }

        return days;
    }

    private static NpgsqlBatchCommand Insert(IReadOnlyList<(ExpectedItem Item, string Type, DateOnly Day)> items)
    {
        var command = new NpgsqlBatchCommand("""
            INSERT INTO recon.items (item_id, match_key, occurrence, day, mode, leg, provider, kind, reference, alternative, currency, gross, fee, payment_id, merchant_id, source, occurred_at)
            SELECT n.item_id, n.match_key, 1 + (SELECT count(*) FROM recon.items i WHERE i.match_key = n.match_key AND i.day = n.day), n.day, n.mode, 'provider', n.provider, n.kind, n.reference,
                n.alternative, n.currency, n.gross, n.fee, n.payment_id, n.merchant_id, n.source, n.occurred_at
            FROM unnest($1::uuid[], $2::uuid[], $3::date[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::bigint[], $11::bigint[], $12::uuid[], $13::uuid[], $14::text[], $15::timestamptz[])
                AS n (item_id, match_key, day, mode, provider, kind, reference, alternative, currency, gross, fee, payment_id, merchant_id, source, occurred_at)
            WHERE NOT EXISTS (SELECT 1 FROM recon.items i WHERE i.item_id = n.item_id)
            """);
        Add(items.Select(i => i.Item.Id).ToArray());
        Add(items.Select(i => i.Item.Key).ToArray());
        Add(items.Select(i => i.Day).ToArray());
        Add(items.Select(i => ModeNames.Of(i.Item.Mode)).ToArray());
        Add(items.Select(i => i.Item.Provider).ToArray());
        Add(items.Select(i => Words.Of(i.Item.Kind)).ToArray());
        Add(items.Select(i => i.Item.Reference).ToArray());
        command.Parameters.Add(new() { Value = items.Select(i => i.Item.Alternative).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        Add(items.Select(i => i.Item.Currency).ToArray());
        Add(items.Select(i => i.Item.Gross).ToArray());
        Add(items.Select(i => i.Item.Fee).ToArray());
        Add(items.Select(i => i.Item.PaymentId).ToArray());
        Add(items.Select(i => i.Item.MerchantId).ToArray());
        Add(items.Select(i => i.Type).ToArray());
        Add(items.Select(i => i.Item.OccurredAt.ToUniversalTime()).ToArray());
        return command;

        void Add<T>(T[] values) => command.Parameters.Add(new() { Value = values });
    }
}
