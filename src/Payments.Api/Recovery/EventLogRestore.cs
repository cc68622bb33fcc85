using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using Npgsql;
using Payments.Api.Flow;
using Payments.Core;
using Payments.Platform;
using Payments.Platform.Http;
using Payments.Platform.Http.Seams;
using Payments.Platform.Outbox;

namespace Payments.Api.Recovery;

/// <summary>What was put back.</summary>
/// <param name="Payments">Payments that were missing or older than their events.</param>
public sealed record ReinstatedLog(Guid Former, IReadOnlyList<long> Heads, int Events, int Payments);

/// <summary>
/// After the database of the payments was restored to an earlier moment: fetches from the consumers' copies the events that they have
/// applied and the log has lost, brings the payments up to them, and puts them back under their numbers. Then everything that anybody
/// has acted on is in the log again, and nothing of it is applied a second time. It may be repeated after a failure.
/// </summary>
internal sealed class EventLogRestore(
    NpgsqlDataSource database, IConfiguration configuration, IHttpClientFactory clients, IMerchants merchants, Deadlines deadlines, OutboxSignal signal, Recoveries recoveries,
    IdSource ids, TimeProvider time)
{
    private const int PageSize = 200;

    /// <summary>Whoever applies this log: service and consumer.</summary>
    private static readonly (string Service, string Consumer)[] Consumers = [("Ledger", "ledger"), ("Webhooks", "webhooks"), ("Reconciliation", "reconciliation")];

    public static Problem NotClosed { get; } = new(409, "event_log_open", "The event log is open, and nothing was done. Either it has been reinstated already (GET /ops/v1/recoveries shows event_log_reinstated), or the restored database was put to work without closing its log: the runbook of the restore says how to go on.", "path");

    private static Problem Differs(string detail) => new(409, "event_log_differs", detail, "path");

    public async Task<Read<ReinstatedLog>> RunAsync(string actor, string reason, CancellationToken cancellationToken)
    {
        if (!await IsClosedAsync(cancellationToken))
        {
            return NotClosed;
        }

        var heads = await new OutboxReader(database).HeadsAsync(cancellationToken);
        var witnesses = new List<Witness>();
        foreach (var (service, consumer) in Consumers)
        {
            // An installation may do without reconciliation: where it has no address it has applied nothing.
            if ((service == "Reconciliation" && configuration["Payments:Urls:Reconciliation"] is null) || await PositionAsync(service, consumer, cancellationToken) is not { } progress)
            {
                continue;
            }

            if (progress.Epoch != heads.Epoch)
            {
                return Differs($"Consumer {consumer} has applied epoch {progress.Epoch}, which this database does not know: restore a later backup.");
            }

            witnesses.Add(new Witness(service, consumer, progress.Sequences));
        }

        await using var writing = CommitChanges.Connect(Reinstating());
        var payments = new ReinstatedPayments(writing, merchants, deadlines, signal, recoveries, ids, time);
        var (events, changed, reached) = (0, 0, heads.Sequences.ToArray());
        for (var partition = 0; partition < reached.Length; partition++)
        {
            while (witnesses.Where(w => w.Applied[partition] > reached[partition]).ToArray() is { Length: > 0 } ahead)
            {
                if (!(await NextAsync(ahead, partition, reached[partition], cancellationToken)).Succeeded(out var rows, out var problem))
                {
                    return problem;
                }

                changed += await payments.BringUpAsync(rows, actor, reason, cancellationToken);
                reached[partition] = await PutBackAsync(partition, rows, cancellationToken);
                events += rows.Count;
            }
        }

        return new ReinstatedLog(heads.Epoch, reached, events, changed);
    }

    /// <summary>Opens the log in a new epoch, in the caller's transaction.</summary>
    public static async Task<Guid> OpenAsync(NpgsqlTransaction transaction, string reason, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT outbox_new_epoch($1)", transaction.Connection, transaction) { Parameters = { new() { Value = reason } } };
        return (Guid)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>The next events of a partition, as everyone who has them agrees.</summary>
    private async Task<Read<IReadOnlyList<OutboxRow>>> NextAsync(Witness[] witnesses, int partition, long after, CancellationToken cancellationToken)
    {
        var rows = new SortedDictionary<long, OutboxRow>();
        foreach (var witness in witnesses)
        {
            using var http = clients.CreateInternalClient(witness.Service);
            var path = string.Create(CultureInfo.InvariantCulture, $"/internal/v1/ops/consumers/{witness.Consumer}/copies/{partition}?after={after}&limit={PageSize}");
            foreach (var row in await http.GetFromJsonAsync<OutboxRow[]>(path, Json.Options, cancellationToken) ?? [])
            {
                if (!rows.TryAdd(row.Sequence, row) && rows[row.Sequence].Id != row.Id)
                {
                    return Differs($"The consumers have different events under number {row.Sequence} of partition {partition}: payments were made before the log was closed.");
                }
            }
        }

        var run = rows.Values.TakeWhile((row, place) => row.Sequence == after + 1 + place).ToArray();
        return run.Length == 0
            ? Differs($"No consumer has a copy of event {after + 1} of partition {partition}: it is older than what they keep.")
            : run;
    }

    private async Task<ConsumerProgress?> PositionAsync(string service, string consumer, CancellationToken cancellationToken)
    {
        using var http = clients.CreateInternalClient(service);
        using var answer = await http.GetAsync(new Uri($"/internal/v1/ops/consumers/{consumer}/position", UriKind.Relative), cancellationToken);
        return answer.StatusCode == HttpStatusCode.NotFound
            ? null
            : await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<ConsumerProgress>(Json.Options, cancellationToken);
    }

    private async Task<bool> IsClosedAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("SELECT bool_and(closed_because IS NOT NULL) FROM outbox_heads");
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private async Task<long> PutBackAsync(int partition, IReadOnlyList<OutboxRow> rows, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("SELECT outbox_reinstate($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)");
        command.Parameters.Add(new() { Value = partition });
        command.Parameters.Add(new() { Value = rows.Select(r => r.Sequence).ToArray() });
        OutboxColumns.Of(rows).AddTo(command.Parameters);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private string Reinstating()
    {
        var parts = new NpgsqlConnectionStringBuilder(configuration.GetConnectionString(Names.Databases.Payments)) { MaxPoolSize = 4 };
        parts.Options = $"{parts.Options} -c payments.reinstating=on".TrimStart();
        return parts.ConnectionString;
    }

    private sealed record Witness(string Service, string Consumer, IReadOnlyList<long> Applied);
}
