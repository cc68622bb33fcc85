using Npgsql;
using Payments.Core;
using Payments.Core.Events;
using Payments.Core.Seams;
using Payments.Fraud.Metrics;
using Payments.Fraud.Scoring;
using Payments.Platform.Inbox;
using Xunit;

namespace Payments.IntegrationTests.Fraud;

/// <summary>The risk metrics against figures that are counted by hand.</summary>
public sealed class RiskMetricsTests(EmbeddedServers servers)
{
    private static readonly DateTimeOffset Day = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly IdSource Ids = new(TimeProvider.System);
    private static readonly MerchantId Shop = Ids.New<MerchantId>();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_metric_is_what_is_counted_by_hand()
    {
        await using var database = await NewDatabaseAsync();
        await CountedPaymentsAsync(database);
        await new Told(PaymentStatus.Captured) { Captured = 70_000, Merchant = Ids.New<MerchantId>() }.StoreAsync(database);

        var figures = (await RiskFigures.ReadAsync(database, new(Mode.Live, Shop, Day, Day.AddDays(1)), Cancel)).Counts;
        var expected = new Dictionary<string, long>
        {
            ["decisions"] = 11,
            ["captured_value"] = 22_080,
            ["fraud_value"] = 8_000,
            ["captured"] = 6,
            ["chargebacks"] = 1,
            ["false_declines"] = 1,
            ["good"] = 6,
            ["good_attempts"] = 7,
            ["reviews"] = 2,
            ["auto_approved"] = 6,
            ["rejected"] = 2,
            ["approved"] = 7,
            ["answered"] = 9,
            ["sent"] = 9,
            ["asked"] = 2,
            ["asked_known"] = 2,
            ["authenticated"] = 1,
            ["challenged"] = 1,
            ["reviews_decided"] = 2,
            ["reviews_approved"] = 1,
            ["reviews_automatic"] = 1,
            ["reviews_open"] = 0,
            ["without_service"] = 1,
            ["without_model"] = 1,
        };
        Assert.Equal(Show(expected), Show(figures));

        var report = RiskReport.Of(new(Mode.Live, Shop, Day, Day.AddDays(1)), await RiskFigures.ReadAsync(database, new(Mode.Live, Shop, Day, Day.AddDays(1)), Cancel));
        Assert.Equal(5_400, report.Metrics.Single(m => m.Name == "review_queue_p50").Value);
        Assert.Equal(Math.Round(8_000.0 / 22_080, 8), report.Metrics.Single(m => m.Name == "fraud_rate").Value);

        // The other merchant counts where none is asked for; the other mode and other days never do.
        Assert.Equal(92_080, (await RiskFigures.ReadAsync(database, new(Mode.Live, null, Day, Day.AddDays(1)), Cancel)).Counts["captured_value"]);
        Assert.Equal(500, (await RiskFigures.ReadAsync(database, new(Mode.Test, Shop, Day, Day.AddDays(1)), Cancel)).Counts["captured_value"]);
        Assert.Equal(400, (await RiskFigures.ReadAsync(database, new(Mode.Live, Shop, Day.AddDays(-9), Day), Cancel)).Counts["captured_value"]);
        Assert.Equal(0, (await RiskFigures.ReadAsync(database, new(Mode.Live, Shop, Day.AddDays(5), Day.AddDays(6)), Cancel)).Counts["decisions"]);
    }

    [Fact]
    public async Task An_event_that_comes_again_or_late_changes_nothing()
    {
        await using var database = await NewDatabaseAsync();
        var held = new Told(PaymentStatus.InReview) { Verdict = FraudVerdict.Review, Version = 2 };
        var decided = held with { Status = PaymentStatus.Captured, Captured = 900, Version = 4, Review = new(ReviewStatus.Approved, false, Day.AddHours(1)) };
        foreach (var told in new[] { held, decided, held, decided })
        {
            await told.StoreAsync(database);
        }

        var figures = await RiskFigures.ReadAsync(database, new(Mode.Live, Shop, Day, Day.AddDays(1)), Cancel);
        Assert.Equal((1, 1, 900, 0), (figures.Counts["decisions"], figures.Counts["reviews_decided"], figures.Counts["captured_value"], figures.Counts["reviews_open"]));
        Assert.Equal(3_600, figures.QueueSeconds[0]);
    }

    [Fact]
    public async Task Times_are_added_up_and_none_is_lost_while_the_database_is_away()
    {
        var connection = await servers.CreateDatabaseAsync(Shapes.Fraud, Cancel);
        await using var database = NpgsqlDataSource.Create(connection);
        using var times = new DecisionTimes(database, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger<DecisionTimes>.Instance);
        times.Record(Mode.Live, TimedKind.Decision, TimeSpan.FromMilliseconds(2));
        await RunAsync(database, "ALTER TABLE risk_latencies RENAME TO risk_latencies_away");
        await Assert.ThrowsAsync<PostgresException>(() => times.WriteAsync(Cancel));
        await RunAsync(database, "ALTER TABLE risk_latencies_away RENAME TO risk_latencies");
        await times.WriteAsync(Cancel);
        times.Record(Mode.Live, TimedKind.Decision, TimeSpan.FromMilliseconds(2));
        times.Record(Mode.Live, TimedKind.Model, TimeSpan.FromMicroseconds(40));
        await times.WriteAsync(Cancel);
        await times.WriteAsync(Cancel);

        var now = TimeProvider.System.GetUtcNow();
        var buckets = (await RiskFigures.ReadAsync(database, new(Mode.Live, null, now.AddHours(-2), now.AddHours(1)), Cancel)).Buckets;
        Assert.Equal([new(DurationBuckets.Of(TimeSpan.FromMilliseconds(2)), 2)], buckets[TimedKind.Decision]);
        Assert.Equal([new(DurationBuckets.Of(TimeSpan.FromMicroseconds(40)), 1)], buckets[TimedKind.Model]);
    }

    private static async Task CountedPaymentsAsync(NpgsqlDataSource database)
    {
        var (returning, stolen) = (Guid.Parse("00000000-0000-0000-0000-00000000000a"), Guid.Parse("00000000-0000-0000-0000-00000000000b"));
        var asked = new AuthenticationView(ThreeDSecureRequest.NoPreference, null, AuthenticationResult.Authenticated, AuthenticationFlow.Frictionless, null, null, true);
        Told[] payments =
        [
            new(PaymentStatus.Captured) { Captured = 10_000 },
            new(PaymentStatus.Captured) { Captured = 5_000, Authentication = asked, Label = "chargeback" },
            new(PaymentStatus.Declined)
            {
                Verdict = FraudVerdict.Challenge,
                Authentication = asked with { Requested = ThreeDSecureRequest.Challenge, Result = AuthenticationResult.Failed, Flow = AuthenticationFlow.Challenge },
            },
            new(PaymentStatus.Rejected) { Verdict = FraudVerdict.Reject, Card = returning },
            new(PaymentStatus.Captured) { Captured = 2_000, Card = returning, Hours = 3 },
            new(PaymentStatus.Rejected) { Verdict = FraudVerdict.Reject, Card = stolen },
            new(PaymentStatus.Captured) { Captured = 3_000, Card = stolen, Hours = 3, Label = "operator" },
            new(PaymentStatus.Captured) { Captured = 1_000, Verdict = FraudVerdict.Review, Review = new(ReviewStatus.Approved, false, Day.AddHours(1)) },
            new(PaymentStatus.Voided) { Verdict = FraudVerdict.Review, Review = new(ReviewStatus.Rejected, true, Day.AddHours(2)) },
            new(PaymentStatus.Captured) { Captured = 1_000, Currency = "EUR", Factors = [FraudFallback.Factor] },
            new(PaymentStatus.Declined) { Factors = [ModelWithinLimit.Mark] },
            new(PaymentStatus.Captured) { Captured = 500, Mode = Mode.Test },
            new(PaymentStatus.Captured) { Captured = 400, Hours = -24 },
        ];
        foreach (var payment in payments)
        {
            await payment.StoreAsync(database);
        }
    }

    private async Task<NpgsqlDataSource> NewDatabaseAsync()
    {
        var connection = await servers.CreateDatabaseAsync(Shapes.Fraud, Cancel);
        return NpgsqlDataSource.Create(connection);
    }

    private static string Show(IEnumerable<KeyValuePair<string, long>> counts) => string.Join('\n', counts.OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => $"{c.Key} {c.Value}"));

    private static async Task RunAsync(NpgsqlDataSource database, string sql, params object[] values)
    {
        await using var command = database.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(new() { Value = value });
        }

        await command.ExecuteNonQueryAsync(Cancel);
    }

    /// <summary>A payment as one event tells it.</summary>
    private sealed record Told(PaymentStatus Status)
    {
        public PaymentId Id { get; init; } = Ids.New<PaymentId>();

        public MerchantId Merchant { get; init; } = Shop;

        public Mode Mode { get; init; } = Mode.Live;

        public FraudVerdict Verdict { get; init; } = FraudVerdict.Approve;

        public string[] Factors { get; init; } = [];

        public long Captured { get; init; }

        public string Currency { get; init; } = "USD";

        public AuthenticationView? Authentication { get; init; }

        public ReviewView? Review { get; init; }

        public Guid? Card { get; init; }

        public string? Label { get; init; }

        public int Hours { get; init; }

        public int Version { get; init; } = 2;

        public async Task StoreAsync(NpgsqlDataSource database)
        {
            // What is in review has been authorized and opened before its decision.
            if (Review is { DecidedAt: not null } && Version == 2)
            {
                await (this with { Review = null, Status = PaymentStatus.InReview, Captured = 0, Version = 1 }).ApplyAsync(database);
            }

            await ApplyAsync(database);
            if (Card is { } card)
            {
                await RunAsync(
                    database,
                    "INSERT INTO attempts (attempt, mode, payment_id, merchant_id, card, at, in_redis) VALUES ($1, 'live', $1, $2, $3, $4, true)",
                    Id.Value, Merchant.Value, card, Day.AddHours(Hours));
                await RunAsync(
                    database, "INSERT INTO decisions (payment_id, merchant_id, mode, score, verdict, factors, attempt) VALUES ($1, $2, 'live', 10, 'reject', '{}', $1)", Id.Value, Merchant.Value);
            }

            if (Label is { } source)
            {
                await RunAsync(
                    database, "INSERT INTO labels (mode, merchant_id, payment_id, fraud, source, known_at) VALUES ('live', $1, $2, true, $3, $4)",
                    Merchant.Value, Id.Value, source, Day.AddDays(20));
            }
        }

        private async Task ApplyAsync(NpgsqlDataSource database)
        {
            var authorized = Status is not (PaymentStatus.Rejected or PaymentStatus.Declined);
            var at = Day.AddHours(Hours);
            var view = new PaymentView
            {
                Id = Id.ToString(),
                MerchantId = Merchant.ToString(),
                Mode = Mode,
                Status = Status,
                Amount = Math.Max(Captured, 1_000),
                AmountCapturable = 0,
                AmountCaptured = Captured,
                AmountRefunded = 0,
                Currency = Currency,
                CaptureMethod = CaptureMethod.Automatic,
                PaymentMethod = new("card", "visa", null, "US", "credit", null),
                Risk = new(10, Verdict, Factors),
                Authentication = Authentication,
                Review = Status == PaymentStatus.InReview ? new(ReviewStatus.Open, null, null) : Review,
                CreatedAt = at,
                AuthorizedAt = authorized ? at : null,
                Version = Version,
            };
            var type = Status switch
            {
                PaymentStatus.Rejected => PaymentEventTypes.Rejected,
                PaymentStatus.Declined => PaymentEventTypes.Declined,
                PaymentStatus.InReview => PaymentEventTypes.InReview,
                _ => PaymentEventTypes.Captured,
            };
            await using var connection = await database.OpenConnectionAsync(Cancel);
            await using var transaction = await connection.BeginTransactionAsync(Cancel);
            var told = new PaymentEvent(Ids.New<EventId>(), type, Id, Merchant, Mode, Version, at, new(view, null, null));
            await RiskOutcomes.ApplyAsync(connection, transaction, [new ReceivedEvent(told, 0, 1, null)], Cancel);
            await transaction.CommitAsync(Cancel);
        }
    }
}
