using System.Threading.Channels;
using Npgsql;
using NpgsqlTypes;
using Payments.Fraud.Features;
using Payments.Platform.Http;
using Payments.Platform.Postgres;

namespace Payments.Fraud.Live;

/// <summary>
/// Writes scored rows behind the decisions, many at once. A decision never waits for it: rows that cannot be written soon enough, or
/// that a crash overtakes, are lost to training and to later reasons, and counted.
/// </summary>
internal sealed class ScoredRows(NpgsqlDataSource database, Replica replica, ModelMetrics metrics, TimeProvider time, ILogger<ScoredRows> logger) : BackgroundService
{
    private const int MostWaiting = 20_000;
    private const int MostAtOnce = 1_000;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>How long a row waits for company: nobody waits for it, and together they cost the database a fraction.</summary>
    private static readonly TimeSpan Company = TimeSpan.FromMilliseconds(200);

    private readonly Channel<ScoredRow> waiting = Channel.CreateBounded<ScoredRow>(new BoundedChannelOptions(MostWaiting) { SingleReader = true });

    public void Add(ScoredRow row)
    {
        if (!waiting.Writer.TryWrite(row))
        {
            metrics.RowsLost(1);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var batch = new List<ScoredRow>(MostAtOnce);
        try
        {
            while (await waiting.Reader.WaitToReadAsync(stoppingToken))
            {
                await Task.Delay(Company, time, stoppingToken);
                Take(batch);
                await WriteUntilDoneAsync(batch, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops: what still waits is written once more, without patience.
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        var rest = new List<ScoredRow>();
        Take(rest);
        for (; rest.Count > 0; Take(rest))
        {
            try
            {
                await WriteAsync(rest, cancellationToken);
            }
            catch (Exception e) when (Outage.OfDatabase(e))
            {
                ModelLog.RowsNotWritten(logger, rest.Count, e);
                return;
            }
        }
    }

    private void Take(List<ScoredRow> batch)
    {
        batch.Clear();
        while (batch.Count < MostAtOnce && waiting.Reader.TryRead(out var row))
        {
            batch.Add(row);
        }
    }

    private async Task WriteUntilDoneAsync(List<ScoredRow> batch, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await WriteAsync(batch, cancellationToken);
                return;
            }
            catch (Exception e) when (Outage.OfDatabase(e) && Outage.IsOne(e))
            {
                ModelLog.RowsNotWritten(logger, batch.Count, e);
                await Task.Delay(Pause, cancellationToken);
            }
            catch (PostgresException e)
            {
                // It would fail again and again, and all that waits behind it would be lost too.
                ModelLog.RowsRefused(logger, batch.Count, e);
                metrics.RowsLost(batch.Count);
                return;
            }
        }
    }

    private async Task WriteAsync(List<ScoredRow> batch, CancellationToken cancellationToken)
    {
        // Sorted, so that two replicas which write the same payments never wait for each other in a circle.
        var rows = batch.OrderBy(r => r.Payment.Value).ToArray();
        const string sql = """
            INSERT INTO model_rows (payment_id, mode, merchant_id, at, amount, card, customer, ip, device, email, ordinary, catalogue, features,
                champion_id, own_id, own_weight, score, challenger_id, challenger_score, replica)
            SELECT payment_id, mode, merchant_id, at, amount, card, customer, ip, device, email, ordinary, $12, features,
                champion_id, own_id, own_weight, score, challenger_id, challenger_score, $20
            FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::timestamptz[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
                $10::bigint[], $11::boolean[], $13::bytea[], $14::uuid[], $15::uuid[], $16::float8[], $17::float8[], $18::uuid[], $19::float8[])
                AS row (payment_id, mode, merchant_id, at, amount, card, customer, ip, device, email, ordinary, features,
                    champion_id, own_id, own_weight, score, challenger_id, challenger_score)
            ON CONFLICT (payment_id) DO NOTHING
            """;
        await using var command = database.CreateCommand(sql);
        var parameters = command.Parameters;
        parameters.Add(Of(NpgsqlDbType.Uuid, rows, r => r.Payment.Value));
        parameters.Add(Of(NpgsqlDbType.Text, rows, r => ModeNames.Of(r.Mode)));
        parameters.Add(Of(NpgsqlDbType.Uuid, rows, r => r.Merchant.Value));
        parameters.Add(Of(NpgsqlDbType.TimestampTz, rows, r => r.At));
        parameters.Add(Of(NpgsqlDbType.Bigint, rows, r => r.Trace.Payment.AmountMinor));
        parameters.Add(Of(NpgsqlDbType.Bigint, rows, r => r.Trace.Payment.Card));
        parameters.Add(Of(NpgsqlDbType.Bigint, rows, r => r.Trace.Payment.Customer));
        parameters.Add(Of(NpgsqlDbType.Bigint, rows, r => r.Trace.Payment.Ip));
        parameters.Add(Of(NpgsqlDbType.Bigint, rows, r => r.Trace.Payment.Device));
        parameters.Add(Of(NpgsqlDbType.Bigint, rows, r => r.Trace.Payment.Email));
        parameters.Add(Of(NpgsqlDbType.Boolean, rows, r => r.Trace.Ordinary));
        parameters.Add(new() { Value = FeatureCatalogue.Id });
        parameters.Add(Of(NpgsqlDbType.Bytea, rows, r => r.Features));
        parameters.Add(Of(NpgsqlDbType.Uuid, rows, r => r.ChampionId?.Value));
        parameters.Add(Of(NpgsqlDbType.Uuid, rows, r => r.OwnId?.Value));
        parameters.Add(Of(NpgsqlDbType.Double, rows, r => r.OwnId is null ? null : (double?)r.OwnWeight));
        parameters.Add(Of(NpgsqlDbType.Double, rows, r => r.Score));
        parameters.Add(Of(NpgsqlDbType.Uuid, rows, r => r.ChallengerId?.Value));
        parameters.Add(Of(NpgsqlDbType.Double, rows, r => r.ChallengerScore));
        parameters.Add(new() { Value = replica.Id });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static NpgsqlParameter Of<T>(NpgsqlDbType type, ScoredRow[] rows, Func<ScoredRow, T> of) =>
        new() { Value = Array.ConvertAll(rows, r => of(r)), NpgsqlDbType = NpgsqlDbType.Array | type };
}
