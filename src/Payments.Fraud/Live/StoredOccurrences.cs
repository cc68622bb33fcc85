using System.Runtime.CompilerServices;
using Npgsql;
using Payments.Core;
using Payments.Fraud.Features;
using Payments.Platform.Http;

namespace Payments.Fraud.Live;

/// <summary>What the database knows of attempts, answers, labels, and of payments that nobody complained about.</summary>
internal sealed class StoredOccurrences(NpgsqlDataSource database)
{
    /// <summary>Columns of <c>model_rows AS r</c> that <see cref="FactOf"/> reads, as the first of a row.</summary>
    internal const string Parties = "r.payment_id, r.merchant_id, r.at, r.amount, r.card, r.customer, r.ip, r.device, r.email, r.ordinary";

    private const string OfAttempts = $"SELECT {Parties}, r.at FROM model_rows AS r WHERE r.mode = $1 AND r.:when ORDER BY r.at, r.payment_id";

    private const string OfAnswers = $"""
        SELECT {Parties}, a.at, a.kind FROM model_answers AS a JOIN model_rows AS r USING (payment_id)
        WHERE a.mode = $1 AND a.:when ORDER BY a.at, r.payment_id
        """;

    // Each by its key: for some hundred of them the planner would read both tables. And by its key alone: of a young table the planner thinks that
    // the index by mode and time has few rows too, and would read it whole for each.
    private const string OfTheseAnswers = $"""
        SELECT {Parties}, a.at, a.kind
        FROM unnest($2::uuid[]) AS answered (payment_id)
        CROSS JOIN LATERAL (SELECT * FROM model_answers WHERE model_answers.payment_id = answered.payment_id OFFSET 0) AS a
        CROSS JOIN LATERAL (SELECT * FROM model_rows WHERE model_rows.payment_id = answered.payment_id OFFSET 0) AS r
        WHERE a.mode = $1
        ORDER BY a.at, r.payment_id
        """;

    // Without the payments themselves: most of what an overlap tells again is known, and is not read again.
    private const string KeysOfAnswers = "SELECT a.payment_id, a.kind FROM model_answers AS a WHERE a.mode = $1 AND a.stored_at > $2";

    private const string OfLabels = $"""
        SELECT {Parties}, l.known_at, l.fraud FROM labels AS l JOIN model_rows AS r USING (payment_id)
        WHERE l.mode = $1 AND l.:when ORDER BY l.known_at, r.payment_id
        """;

    // As of the moment at which it matured: what became known later counts later.
    private const string OfMatured = $"""
        SELECT {Parties}, r.at + $4 FROM model_rows AS r JOIN model_answers AS a USING (payment_id)
        WHERE r.mode = $1 AND r.:when AND a.kind = 'approved' AND a.at <= r.at + $4
            AND NOT EXISTS (SELECT FROM labels AS l WHERE l.mode = r.mode AND l.payment_id = r.payment_id AND l.known_at <= r.at + $4)
        ORDER BY r.at, r.payment_id
        """;

    /// <summary>Everything that became known in a span of time, in its order, read as it is needed.</summary>
    public async IAsyncEnumerable<Occurrence> BetweenAsync(Mode mode, DateTimeOffset from, DateTimeOffset to, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var maturity = PaymentHistory.Maturity;
        IAsyncEnumerator<Occurrence>[] sources =
        [
            ReadAsync(OfAttempts, "at > $2 AND r.at <= $3", mode, from, to, OccurrenceKind.Attempted, cancellationToken).GetAsyncEnumerator(cancellationToken),
            ReadAsync(OfAnswers, "at > $2 AND a.at <= $3", mode, from, to, OccurrenceKind.Answered, cancellationToken).GetAsyncEnumerator(cancellationToken),
            ReadAsync(OfLabels, "known_at > $2 AND l.known_at <= $3", mode, from, to, OccurrenceKind.Labelled, cancellationToken).GetAsyncEnumerator(cancellationToken),
            ReadAsync(OfMatured, "at > $2 AND r.at <= $3", mode, from - maturity, to - maturity, OccurrenceKind.Matured, cancellationToken).GetAsyncEnumerator(cancellationToken),
        ];
        try
        {
            var next = new PriorityQueue<IAsyncEnumerator<Occurrence>, Occurrence>();
            foreach (var source in sources)
            {
                if (await source.MoveNextAsync())
                {
                    next.Enqueue(source, source.Current);
                }
            }

            while (next.TryDequeue(out var source, out var occurrence))
            {
                yield return occurrence;
                if (await source.MoveNextAsync())
                {
                    next.Enqueue(source, source.Current);
                }
            }
        }
        finally
        {
            foreach (var source in sources)
            {
                await source.DisposeAsync();
            }
        }
    }

    /// <summary>
    /// What was written since a moment of the database's clock, and what matured in a span: some of it may have been told before.
    /// </summary>
    /// <param name="except">What this process scored it has counted already.</param>
    /// <param name="unknown">Which of these answers were not applied yet.</param>
    public async Task<List<Occurrence>> SinceAsync(
        Mode mode, Replica except, Func<IEnumerable<(Guid Payment, PaymentAnswer Answer)>, Guid[]> unknown, DateTimeOffset stored, DateTimeOffset maturedFrom, DateTimeOffset maturedTo,
        CancellationToken cancellationToken)
    {
        var answered = unknown(await AnswersAsync(mode, stored, cancellationToken));
        var occurrences = new List<Occurrence>();
        foreach (var (sql, condition, from, to, kind) in new (string, string, object, object?, OccurrenceKind)[]
        {
            (OfAttempts, "stored_at > $2 AND r.replica IS DISTINCT FROM $3", stored, except.Id, OccurrenceKind.Attempted),
            (OfTheseAnswers, "", answered, null, OccurrenceKind.Answered),
            (OfLabels, "known_at > $2", stored, null, OccurrenceKind.Labelled),
            (OfMatured, "at > $2 AND r.at <= $3", maturedFrom - PaymentHistory.Maturity, maturedTo - PaymentHistory.Maturity, OccurrenceKind.Matured),
        })
        {
            await foreach (var occurrence in ReadAsync(sql, condition, mode, from, to, kind, cancellationToken))
            {
                occurrences.Add(occurrence);
            }
        }

        occurrences.Sort();
        return occurrences;
    }

    public async Task<DateTimeOffset> NowAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("SELECT clock_timestamp()");
        return new DateTimeOffset((DateTime)(await command.ExecuteScalarAsync(cancellationToken))!);
    }

    /// <summary>The payment as it was stored, with its parties; not what it told.</summary>
    internal static PaymentFact FactOf(NpgsqlDataReader row) =>
        new(row.GetInt64(4), RequestFacts.MerchantKey(row.GetGuid(1)), row.GetFieldValue<DateTimeOffset>(2).ToUnixTimeSeconds(), row.GetInt64(3))
        {
            Customer = row.GetInt64(5),
            Ip = row.GetInt64(6),
            Device = row.GetInt64(7),
            Email = row.GetInt64(8),
        };

    private async Task<List<(Guid Payment, PaymentAnswer Answer)>> AnswersAsync(Mode mode, DateTimeOffset stored, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(KeysOfAnswers);
        command.Parameters.Add(new() { Value = ModeNames.Of(mode) });
        command.Parameters.Add(new() { Value = stored });
        var answers = new List<(Guid, PaymentAnswer)>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            answers.Add((reader.GetGuid(0), Words.Parse<PaymentAnswer>(reader.GetString(1))));
        }

        return answers;
    }

    private async IAsyncEnumerable<Occurrence> ReadAsync(
        string sql, string condition, Mode mode, object from, object? third, OccurrenceKind kind, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(sql.Replace(":when", condition, StringComparison.Ordinal));
        command.Parameters.Add(new() { Value = ModeNames.Of(mode) });
        command.Parameters.Add(new() { Value = from });
        if (third is not null)
        {
            command.Parameters.Add(new() { Value = third });
        }

        if (kind == OccurrenceKind.Matured)
        {
            command.Parameters.Add(new() { Value = PaymentHistory.Maturity });
        }

        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            yield return new(
                reader.GetFieldValue<DateTimeOffset>(10).ToUnixTimeSeconds(), kind, reader.GetGuid(0), new(FactOf(reader), reader.GetBoolean(9)),
                kind == OccurrenceKind.Answered ? Words.Parse<PaymentAnswer>(reader.GetString(11)) : default,
                kind == OccurrenceKind.Labelled && reader.GetBoolean(11));
        }
    }
}
