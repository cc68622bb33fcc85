using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Fraud.Handbook;
using Payments.Fraud.Live;
using Payments.Platform.Http;

namespace Payments.Fraud.Registry;

/// <summary>How a model ranks payments whose outcome is known by now.</summary>
/// <param name="Payments">Scored by it since it is in use, with a known outcome.</param>
/// <param name="AreaUnderRoc">Null without frauds or without good payments.</param>
internal sealed record RankingFigures(string Model, long Payments, long Frauds, double? AreaUnderRoc, double? AveragePrecision);

/// <summary>A model with how it does.</summary>
internal sealed record ModelReport(ModelRecord Model, IReadOnlyList<RankingFigures> Live)
{
    public string Object { get; } = "model_report";
}

/// <summary>Compares what champion and challenger made of the same payments with what those turned out to be.</summary>
internal sealed class LiveFigures(NpgsqlDataSource database, TimeProvider time)
{
    private const int MostPayments = 200_000;

    /// <summary>A challenger and the champion beside it on the same payments; a champion alone. Others are not in use: nothing.</summary>
    public async Task<IReadOnlyList<RankingFigures>> OfAsync(ModelRecord model, CancellationToken cancellationToken)
    {
        var challenger = model.State == ModelState.Challenger;
        if (model.MerchantId is not null || (!challenger && model.State != ModelState.Champion))
        {
            return [];
        }

        var scored = await ScoredAsync(model, challenger, cancellationToken);
        return challenger
            ? [Figures("challenger", scored, s => s.Challenger), Figures("champion", scored, s => s.Score)]
            : [Figures("champion", scored, s => s.Score)];
    }

    private static RankingFigures Figures(string of, List<(double Score, double Challenger, bool Fraud)> scored, Func<(double Score, double Challenger, bool Fraud), double> score)
    {
        var ranked = scored.ConvertAll(s => new Ranked(0, 0, score(s), s.Fraud));
        var frauds = ranked.Count(r => r.Fraud);
        var measurable = frauds > 0 && frauds < ranked.Count;
        return new(of, ranked.Count, frauds, measurable ? Ranking.AreaUnderRoc(ranked) : null, measurable ? Ranking.AveragePrecision(ranked) : null);
    }

    private async Task<List<(double Score, double Challenger, bool Fraud)>> ScoredAsync(ModelRecord model, bool challenger, CancellationToken cancellationToken)
    {
        var sql = $"""
            SELECT r.score, coalesce(r.challenger_score, r.score), coalesce(l.fraud, false)
            FROM model_rows AS r
            LEFT JOIN LATERAL (SELECT bool_or(fraud) AS fraud FROM labels WHERE labels.mode = r.mode AND labels.payment_id = r.payment_id) AS l ON true
            WHERE r.mode = $1 AND {(challenger ? "r.challenger_id" : "r.champion_id")} = $2 AND r.score IS NOT NULL AND r.at >= $3
                AND (l.fraud IS NOT NULL
                    OR (r.at <= $4 AND EXISTS (SELECT FROM model_answers AS a WHERE a.payment_id = r.payment_id AND a.kind = 'approved')))
            ORDER BY r.at DESC LIMIT $5
            """;
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new() { Value = ModeNames.Of(model.Mode) });
        command.Parameters.Add(new() { Value = model.Id.Value });
        command.Parameters.Add(new() { Value = model.StateSince, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        command.Parameters.Add(new() { Value = time.GetUtcNow() - PaymentHistory.Maturity, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        command.Parameters.Add(new() { Value = MostPayments });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var scored = new List<(double, double, bool)>();
        while (await reader.ReadAsync(cancellationToken))
        {
            scored.Add((reader.GetDouble(0), reader.GetDouble(1), reader.GetBoolean(2)));
        }

        return scored;
    }
}
