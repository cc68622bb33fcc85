using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using Npgsql;
using Payments.Chaos.Load;
using Payments.Chaos.Processes;
using Payments.Core;
using Payments.Platform;

namespace Payments.Chaos.Judging;

/// <summary>Where the views are read: a fleet's processes, or any other way to run the product.</summary>
/// <param name="Api">A replica that merchants' questions are put to.</param>
/// <param name="Replica">Its name.</param>
public sealed record EvidenceSource(Func<string, string> ConnectionString, Uri Api, string Replica, Uri Simulators)
{
    /// <summary>What has lesser ids (they are ordered by time) was there before the run and is not looked at.</summary>
    public Guid Since { get; init; }

    public static EvidenceSource Of(Fleet fleet)
    {
        ArgumentNullException.ThrowIfNull(fleet);
        var api = fleet.Api.First();
        return new(fleet.ConnectionString, api.Address, api.Name, fleet[Names.Services.Simulators].Address);
    }

    internal async Task<List<T>> RowsAsync<T>(string database, string sql, Func<NpgsqlDataReader, T> row, CancellationToken cancellationToken)
    {
        // Not pooled: the server may have been killed since the last look.
        await using var connection = new NpgsqlConnection(ConnectionString(database) + ";Pooling=false;Command Timeout=120");
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(row(reader));
        }

        return rows;
    }
}

/// <summary>Collects the views of what has come to rest, each from its own source.</summary>
public sealed class EvidenceReader(EvidenceSource source, Journal journal, IReadOnlyList<Shop> shops)
{
    private const int PageSize = 100;

    internal EvidenceSource Source => source;

    private Guid Since => source.Since;

    /// <summary>What is not at rest yet; empty when everything is.</summary>
    public async Task<IReadOnlyList<StuckRow>> UnrestAsync(CancellationToken cancellationToken) =>
        [.. ProgressRules.Behind(await PositionsAsync(cancellationToken)), .. await LeftAsync(cancellationToken)];

    internal async Task<IReadOnlyList<StuckRow>> LeftAsync(CancellationToken cancellationToken)
    {
        var stuck = new List<StuckRow>();
        stuck.AddRange(await StuckAsync(
            Names.Databases.Payments,
            $"""
            SELECT 'attempts under way', count(*)::text FROM attempts
                WHERE id >= '{Since}' AND ((due_at IS NOT NULL AND state <> 'succeeded') OR state IN ('scheduled', 'open', 'needs_action', 'pending', 'unknown')) HAVING count(*) > 0
            UNION ALL SELECT 'requests without a final answer', count(*)::text FROM payment_requests WHERE payment_id >= '{Since}' AND state <> 'final' HAVING count(*) > 0
            UNION ALL SELECT 'provider notices not applied', count(*)::text || ': ' || min(notice_id || ' ' || fact) FROM provider_notices WHERE due_at IS NOT NULL HAVING count(*) > 0
            UNION ALL SELECT 'payments under way', count(*)::text FROM payments
                WHERE id >= '{Since}' AND status IN ('created', 'authorizing', 'processing', 'pending_3ds', 'capturing', 'voiding', 'refunding') HAVING count(*) > 0
            """,
            cancellationToken));
        foreach (var (database, _) in ProgressRules.Consumers)
        {
            stuck.AddRange(await StuckAsync(
                database,
                """
                SELECT consumer || ' halted', coalesce(halted_because, '') FROM event_consumers WHERE halted_at IS NOT NULL
                UNION ALL SELECT 'dead letter of ' || consumer, type || ' ' || coalesce(error, 'behind another') FROM dead_letters WHERE replayed_at IS NULL
                UNION ALL SELECT 'parked by ' || consumer, payment_id::text FROM parked_payments
                """,
                cancellationToken));
        }

        stuck.AddRange(await StuckAsync(Names.Databases.Ledger, "SELECT 'finding ' || kind, subject || ' ' || detail FROM ledger.findings WHERE resolved_at IS NULL", cancellationToken));
        stuck.AddRange(await StuckAsync(
            Names.Databases.Webhooks, $"SELECT 'deliveries ' || status, count(*)::text || ', most attempts ' || max(attempts) FROM deliveries WHERE event_id >= '{Since}' AND status <> 'delivered' GROUP BY status", cancellationToken));
        return stuck;
    }

    private async Task<IReadOnlyList<PositionRow>> PositionsAsync(CancellationToken cancellationToken)
    {
        static PositionRow Position(NpgsqlDataReader row) => new(row.GetString(0), row.GetInt32(1), row.GetInt64(2));

        // The heads first: what is applied meanwhile is at most further than they were, and so not at rest.
        var positions = await RowsAsync(
            Names.Databases.Payments,
            $"SELECT '{ProgressRules.Head}', partition, seq FROM outbox_heads UNION ALL SELECT '{ProgressRules.Relay}', partition, seq FROM outbox_produced",
            Position, cancellationToken);
        foreach (var (database, _) in ProgressRules.Consumers)
        {
            positions.AddRange(await RowsAsync(database, "SELECT consumer, partition, seq FROM checkpoints", Position, cancellationToken));
        }

        return positions;
    }

    /// <summary>How many events there were: whatever happens to a payment adds one.</summary>
    public async Task<long> EventsAsync(CancellationToken cancellationToken) =>
        (await RowsAsync(Names.Databases.Payments, "SELECT coalesce(sum(seq), 0)::bigint FROM outbox_heads", r => r.GetInt64(0), cancellationToken))[0];

    /// <summary>Attempts at a provider, begun within a time, that are not settled.</summary>
    public async Task<long> UnsettledAsync(string provider, DateTimeOffset from, DateTimeOffset to, CancellationToken cancellationToken) =>
        (await RowsAsync(
            Names.Databases.Payments,
            string.Create(CultureInfo.InvariantCulture, $"""
                SELECT count(*) FROM attempts WHERE provider = '{provider}' AND opened_at BETWEEN '{from:O}' AND '{to:O}' AND state IN ('open', 'needs_action', 'pending', 'unknown')
                """),
            r => r.GetInt64(0), cancellationToken))[0];

    /// <summary>Reads every payment once more as a merchant reads it, so that this is among what clients were told.</summary>
    public async Task ReadBackAsync(CancellationToken cancellationToken)
    {
        using var http = new HttpClient();
        foreach (var shop in shops)
        {
            string? cursor = null;
            do
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(source.Api, $"/v1/payments?limit={PageSize}{(cursor is null ? "" : $"&cursor={cursor}")}"));
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", shop.SecretKey);
                using var answer = await http.SendAsync(request, cancellationToken);
                answer.EnsureSuccessStatusCode();
                var page = JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync(cancellationToken));
                foreach (var payment in page.GetProperty("data").EnumerateArray())
                {
                    var id = payment.GetProperty("id").GetString();
                    journal.Add(new Told(journal.Now, 0, 0, shop.Id, "read", null, id, null, null, source.Replica, 200, payment.GetRawText(), false, null));
                }

                cursor = page.GetProperty("next_cursor").GetString();
            }
            while (cursor is not null);
        }
    }

    /// <param name="fire">Null where nobody set fire.</param>
    public async Task<Evidence> ReadAsync(IReadOnlyList<SilenceRow> silences, FireRow? fire, CancellationToken cancellationToken) => new()
    {
        Told = [.. journal.Told.OrderBy(t => t.At)],
        Payments = await PaymentsAsync(cancellationToken),
        Operations = await RowsAsync(
            Names.Databases.Payments, $"SELECT payment_id, id, kind, state, amount, suspense, released, origin, key FROM operations WHERE payment_id >= '{Since}' ORDER BY payment_id, position",
            r => new OperationRow(Of<PaymentId>(r, 0), Of<OperationId>(r, 1), r.GetString(2), r.GetString(3), r.GetInt64(4), r.GetInt64(5), r.GetInt64(6), r.GetString(7), Text(r, 8)), cancellationToken),
        Attempts = await RowsAsync(
            Names.Databases.Payments, $"SELECT payment_id, operation_id, id, provider, state, opened_at, closed_at, due_at IS NOT NULL AND state <> 'succeeded' FROM attempts WHERE payment_id >= '{Since}' ORDER BY payment_id, position",
            r => new AttemptRow(
                Of<PaymentId>(r, 0), Of<OperationId>(r, 1), Of<AttemptId>(r, 2), r.GetString(3), r.GetString(4), r.GetFieldValue<DateTimeOffset>(5),
                r.IsDBNull(6) ? null : r.GetFieldValue<DateTimeOffset>(6), r.GetBoolean(7)), cancellationToken),
        Requests = await RowsAsync(
            Names.Databases.Payments, $"SELECT merchant_id, key, payment_id, operation_id, state, status FROM payment_requests WHERE payment_id >= '{Since}'",
            r => new RequestRow(Of<MerchantId>(r, 0), r.GetString(1), Of<PaymentId>(r, 2), r.IsDBNull(3) ? null : Of<OperationId>(r, 3), r.GetString(4), r.IsDBNull(5) ? null : r.GetInt32(5)), cancellationToken),
        Events = await RowsAsync(
            Names.Databases.Payments, "SELECT id, type, subject, merchant_id, version, data::text FROM outbox_readable ORDER BY partition, seq",
            r => new EventRow(Of<EventId>(r, 0), r.GetString(1), Of<PaymentId>(r, 2), Of<MerchantId>(r, 3), r.GetInt64(4), r.GetString(5)), cancellationToken),
        Journals = await RowsAsync(
            Names.Databases.Ledger, $"SELECT id, payment_id, event_type FROM ledger.journals WHERE id >= '{Since}'",
            r => new JournalRow(Of<EventId>(r, 0), Of<PaymentId>(r, 1), r.GetString(2)), cancellationToken),
        Lines = await RowsAsync(
            Names.Databases.Ledger,
            $"""
            SELECT journal_id, line, 'post', kind, debit_account_id, credit_account_id, amount, currency FROM ledger.movements WHERE id >= '{Since}'
            UNION ALL SELECT journal_id, line, action, kind, debit_account_id, credit_account_id, amount, currency FROM ledger.pending_transfers WHERE id >= '{Since}'
            """,
            r => new LineRow(Of<EventId>(r, 0), r.GetInt32(1), r.GetString(2), r.GetString(3), r.GetGuid(4).ToString(), r.GetGuid(5).ToString(), r.GetInt64(6), r.GetString(7)), cancellationToken),
        Accounts = await AccountsAsync(cancellationToken),
        Charges = [.. await ChargesAsync("stripe", cancellationToken), .. await ChargesAsync("adyen", cancellationToken)],
        Received = [.. journal.Received.OrderBy(r => r.At)],
        Stuck = await LeftAsync(cancellationToken),
        Positions = await PositionsAsync(cancellationToken),
        Incidents = await RowsAsync(
            Names.Databases.Payments, "SELECT kind, payment_id, detail, closed_at IS NULL FROM incidents",
            r => new IncidentRow(r.GetString(0), r.IsDBNull(1) ? null : Of<PaymentId>(r, 1), r.GetString(2), r.GetBoolean(3)), cancellationToken),
        Silences = silences,
        Fire = fire,
    };

    internal Task<List<AccountRow>> AccountsAsync(CancellationToken cancellationToken) => RowsAsync(
        Names.Databases.Ledger,
        "SELECT a.id, a.owner, a.kind, a.currency, b.debits, b.credits, b.pending_debits, b.pending_credits FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id",
        r => new AccountRow(r.GetGuid(0).ToString(), r.GetString(1), r.GetString(2), r.GetString(3), r.GetInt64(4), r.GetInt64(5), r.GetInt64(6), r.GetInt64(7)), cancellationToken);

    private Task<List<PaymentRow>> PaymentsAsync(CancellationToken cancellationToken) => RowsAsync(
        Names.Databases.Payments,
        $"""
        SELECT id, merchant_id, version, status, currency, amount, authorized, captured, capture_pending, released, void_pending, refunded, refund_pending,
               capture_reversed, capture_excess, refund_excess, provider
        FROM payments WHERE id >= '{Since}' ORDER BY id
        """,
        r => new PaymentRow(
            Of<PaymentId>(r, 0), Of<MerchantId>(r, 1), r.GetInt64(2), r.GetString(3), r.GetString(4), r.GetInt64(5), r.GetInt64(6), r.GetInt64(7), r.GetInt64(8), r.GetInt64(9),
            r.GetInt64(10), r.GetInt64(11), r.GetInt64(12), r.GetInt64(13), r.GetInt64(14), r.GetInt64(15), Text(r, 16)),
        cancellationToken);

    private async Task<IEnumerable<ChargeRow>> ChargesAsync(string provider, CancellationToken cancellationToken)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromMinutes(2) };
        using var answer = await http.GetAsync(new Uri(source.Simulators, "/books/" + provider), cancellationToken);
        answer.EnsureSuccessStatusCode();
        var books = JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync(cancellationToken));
        return books.GetProperty("charges").EnumerateArray().Select(c => new ChargeRow(
            provider, c.GetProperty("id").GetString()!,
            c.GetProperty("metadata").EnumerateObject().Select(m => m.Value.GetString()!).FirstOrDefault(v => v.StartsWith(PaymentId.Prefix + "_", StringComparison.Ordinal)),
            c.GetProperty("idempotency_key").GetString(), c.GetProperty("currency").GetString()!, c.GetProperty("amount").GetInt64(), c.GetProperty("status").GetString()!,
            c.GetProperty("amount_captured").GetInt64(), c.GetProperty("amount_refunded").GetInt64(), c.GetProperty("amount_voided").GetInt64(),
            c.GetProperty("created").GetDateTimeOffset(), Movements(c.GetProperty("captures")), Movements(c.GetProperty("refunds")))).ToList();
    }

    private static MovementRow[] Movements(JsonElement list) => [.. list.EnumerateArray().Select(m => new MovementRow(
        m.GetProperty("id").GetString()!, m.GetProperty("amount").GetInt64(), m.GetProperty("idempotency_key").GetString(), m.GetProperty("status").GetString()!))];

    private Task<List<StuckRow>> StuckAsync(string database, string sql, CancellationToken cancellationToken) =>
        RowsAsync(database, sql, r => new StuckRow(r.GetString(0), r.GetString(1)), cancellationToken);

    private Task<List<T>> RowsAsync<T>(string database, string sql, Func<NpgsqlDataReader, T> row, CancellationToken cancellationToken) =>
        source.RowsAsync(database, sql, row, cancellationToken);

    internal static string Of<TId>(NpgsqlDataReader row, int column)
        where TId : struct, IId<TId> => TId.From(row.GetGuid(column)).ToString()!;

    private static string? Text(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);
}
