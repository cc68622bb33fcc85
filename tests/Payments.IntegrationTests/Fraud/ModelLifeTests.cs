using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Payments.Core;
using Payments.Core.Events;
using Payments.Core.Seams;
using Payments.Fraud.Commands;
using Payments.Fraud.Features;
using Payments.Fraud.Live;
using Payments.Fraud.Model;
using Payments.Fraud.Registry;
using Payments.Fraud.Training;
using Payments.IntegrationTests.Events;
using Payments.Platform.Inbox;
using Xunit;

namespace Payments.IntegrationTests.Fraud;

/// <summary>Models on a real database: scored payments are kept, known to all replicas, taught from; models are promoted, shadowed, taken back.</summary>
public sealed class ModelLifeTests(EmbeddedServers servers) : IAsyncLifetime
{
    private static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();
    private static readonly IdSource Ids = new(TimeProvider.System);
    private readonly List<ModelReplica> replicas = [];
    private string connection = "";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        connection = await servers.CreateDatabaseAsync(Shapes.Fraud, Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var replica in replicas)
        {
            await replica.DisposeAsync();
        }
    }

    [Fact]
    public async Task What_one_replica_saw_another_and_one_that_starts_anew_know_too()
    {
        var (first, second) = (await ReplicaAsync(), await ReplicaAsync());
        for (var i = 0; i < 12; i++)
        {
            // Without a model rules alone decide, and the payment is kept all the same.
            var (here, there) = i % 2 == 0 ? (first, second) : (second, first);
            Assert.Null(await here.ScoreAsync(Request(card: i % 3, amount: 1_000 + i), Now.AddMinutes(i - 60), Cancel));
            await here.StoredAsync(i + 1, Cancel);
            await there.Feed.RoundAsync(Cancel);
        }

        var charged = Request(card: 2, amount: 9_000);
        await first.ScoreAsync(charged, Now.AddMinutes(-20), Cancel);
        await first.StoredAsync(13, Cancel);
        await ExecuteAsync("INSERT INTO model_answers (payment_id, kind, mode, at) VALUES ($1, 'declined', 'live', $2)", charged.PaymentId.Value, Now.AddMinutes(-19));
        await ExecuteAsync("INSERT INTO labels (mode, merchant_id, payment_id, fraud, source, known_at) VALUES ('live', $1, $2, true, 'chargeback', clock_timestamp())", charged.MerchantId.Value, charged.PaymentId.Value);
        await first.Feed.RoundAsync(Cancel);
        await second.Feed.RoundAsync(Cancel);
        await second.Feed.RoundAsync(Cancel);
        var third = await ReplicaAsync();

        var asked = Request(card: 2, amount: 5_000);
        var later = Now.AddMinutes(10);
        var rows = new[] { first, second, third }.Select(r => r.RowOf(asked, later)).ToArray();
        Assert.Equal(5, rows[0][FeatureCatalogue.Names.IndexOf("card_payments")]);
        Assert.Equal(1, rows[0][FeatureCatalogue.Names.IndexOf("card_declines_1h")]);
        Assert.Equal(1, rows[0][FeatureCatalogue.Names.IndexOf("card_frauds_7d")]);
        Assert.Equal(rows[0], rows[1]);
        Assert.Equal(rows[0], rows[2]);

        // A mode knows nothing of the other.
        Assert.Equal(0, first.RowOf(asked with { Mode = Mode.Test, PaymentId = Ids.New<PaymentId>() }, later)[FeatureCatalogue.Names.IndexOf("card_payments")]);
    }

    [Fact]
    public async Task A_promoted_model_decides_without_a_restart_its_challenger_shadows_it_and_the_former_comes_back()
    {
        var replica = await ReplicaAsync();
        var (one, two, three) = (await AddAsync(replica, "one", -3), await AddAsync(replica, "two", 2), await AddAsync(replica, "three", 0));
        Assert.Equal(PromotionVerdict.Done, await replica.Registry.PromoteAsync(one.Id, ModelState.Champion, "test", Cancel));
        Assert.Equal(PromotionVerdict.Done, await replica.Registry.PromoteAsync(two.Id, ModelState.Challenger, "test", Cancel));
        Assert.Equal(PromotionVerdict.NotAllowed, await replica.Registry.PromoteAsync(one.Id, ModelState.Challenger, "test", Cancel));
        Assert.Equal(PromotionVerdict.NotFound, await replica.Registry.PromoteAsync(Ids.New<FraudModelId>(), ModelState.Champion, "test", Cancel));
        await replica.Feed.RoundAsync(Cancel);

        var request = Request(card: 1, amount: 70_000);
        var score = await replica.ScoreAsync(request, Now, Cancel);
        Assert.Equal(("one", 100 / (1 + Math.Exp(3 - 1))), (score!.Version, score.Score), Comparer());
        await replica.StoredAsync(1, Cancel);
        Assert.Equal(100 / (1 + Math.Exp(-2 - 1)), await ScalarAsync<double>("SELECT challenger_score FROM model_rows"), 1e-6);

        Assert.Equal(PromotionVerdict.Done, await replica.Registry.PromoteAsync(two.Id, ModelState.Champion, "test", Cancel));
        await replica.Feed.RoundAsync(Cancel);
        var now = await replica.ScoreAsync(Request(card: 1, amount: 70_000), Now.AddSeconds(1), Cancel);
        Assert.Equal("two", now!.Version);
        var factor = Assert.Single(now.Factors);
        Assert.Equal(("high_amount", "amount", 700.0), (factor.Name, factor.Feature, factor.Value));
        Assert.Equal(ModelState.Retired, (await replica.Registry.FindAsync(one.Id, Cancel))!.State);

        Assert.Equal(PromotionVerdict.Done, await replica.Registry.PromoteAsync(one.Id, ModelState.Champion, "test", Cancel));
        await replica.Feed.RoundAsync(Cancel);
        Assert.Equal("one", (await replica.ScoreAsync(Request(card: 1, amount: 70_000), Now.AddSeconds(2), Cancel))!.Version);

        // Reasons of the first decision, long after its model was replaced and taken back.
        var reasons = await replica.Reasons.ExplainAsync(request.PaymentId, Cancel);
        Assert.Equal(("one", -2.0), (reasons!.ModelVersion, Math.Round(reasons.Raw, 4)));
        Assert.Equal(reasons.Raw, reasons.Base + reasons.Factors.Sum(f => f.Contribution), 1e-4);

        // However many are promoted at once, one decides.
        await Task.WhenAll(new[] { two, three, two, three }.Select(m => replica.Registry.PromoteAsync(m.Id, ModelState.Champion, "test", Cancel)));
        Assert.Equal(1L, await ScalarAsync<long>("SELECT count(*) FROM models WHERE state = 'champion'"));
        Assert.True(await ScalarAsync<long>("SELECT count(*) FROM model_changes WHERE changed_by = 'test'") >= 8);
    }

    [Fact]
    public async Task Answers_and_labels_of_events_are_stored_once_however_often_they_are_told()
    {
        var replica = await ReplicaAsync();
        var payment = EventSamples.Ids.New<PaymentId>();
        var rejected = EventSamples.OfEveryType().Single(e => e.Type == PaymentEventTypes.ReviewDecided);
        rejected = rejected with { Data = rejected.Data with { Payment = rejected.Data.Payment with { Review = new(ReviewStatus.Rejected, Automatic: false, Now) } } };
        ReceivedEvent[] told = [.. new[] { EventSamples.Authorized(payment), EventSamples.Captured(payment), rejected }.Select((e, i) => new ReceivedEvent(e, 1, i + 1, null))];
        for (var times = 0; times < 2; times++)
        {
            await using var connection = await replica.Database.OpenConnectionAsync(Cancel);
            await using var transaction = await connection.BeginTransactionAsync(Cancel);
            await new OutcomeIntake().ApplyAsync(connection, transaction, told, Cancel);
            await transaction.CommitAsync(Cancel);
        }

        Assert.Equal("approved", await ScalarAsync<string>("SELECT string_agg(kind, ' ') FROM model_answers"));
        Assert.Equal("review true", await ScalarAsync<string>("SELECT string_agg(source || ' ' || fraud, ', ') FROM labels"));
    }

    [Fact]
    public async Task A_merchants_own_model_is_mixed_with_that_of_all()
    {
        var replica = await ReplicaAsync();
        var shop = Ids.New<MerchantId>();
        var global = await AddAsync(replica, "all", -3);
        var own = await replica.Registry.AddAsync(Ids.New<FraudModelId>(), Mode.Live, shop, ModelSample.Simple("own", 1), payments: 5_500, "test", Cancel);
        await replica.Registry.PromoteAsync(global.Id, ModelState.Champion, "test", Cancel);
        await replica.Registry.PromoteAsync(own.Id, ModelState.Champion, "test", Cancel);
        await replica.Feed.RoundAsync(Cancel);

        var mixed = await replica.ScoreAsync(Request(card: 1, amount: 100, merchant: shop), Now, Cancel);
        Assert.Equal(("all+own", 100 * Blend.Mix(1 / (1 + Math.Exp(3 + 1)), 1 / (1 + Math.Exp(0)), 0.4)), (mixed!.Version, mixed.Score), Comparer());
        var other = await replica.ScoreAsync(Request(card: 1, amount: 100), Now, Cancel);
        Assert.Equal(("all", 100 / (1 + Math.Exp(3 + 1))), (other!.Version, other.Score), Comparer());
    }

    [Fact]
    public async Task Scored_payments_whose_outcome_became_known_make_a_model_that_is_promoted_and_explains_itself_by_commands()
    {
        var replica = await ReplicaAsync();
        var random = new Random(8);
        for (var i = 0; i < 1_200; i++)
        {
            var bad = random.Next(8) == 0;
            var request = Request(card: random.Next(50), amount: bad ? random.Next(30_000, 60_000) : random.Next(500, 35_000));
            var at = Now.AddDays(-60).AddMinutes(i * 50);
            await replica.ScoreAsync(request, at, Cancel);
            await ExecuteAsync("INSERT INTO model_answers (payment_id, kind, mode, at) VALUES ($1, 'approved', 'live', $2)", request.PaymentId.Value, at);
            if (bad)
            {
                await ExecuteAsync("INSERT INTO labels (mode, merchant_id, payment_id, fraud, source, known_at) VALUES ('live', $1, $2, true, 'chargeback', $3)", request.MerchantId.Value, request.PaymentId.Value, at.AddDays(3));
            }
        }

        await replica.StoredAsync(1_200, Cancel);
        var trained = Command("train", "--mode", "live", "--version", "first");
        Assert.True(trained.Code == 0, trained.Errors);
        var model = await replica.Registry.FindAsync(Mode.Live, null, "first", Cancel);
        Assert.Equal(ModelState.Candidate, model!.State);
        Assert.InRange(model.Metrics["average_precision"], 0.6, 1);
        Assert.InRange(model.Payments, 600, 1_200);
        Assert.Contains("There is a model first already", Command("train", "--mode", "live", "--version", "first").Errors, StringComparison.Ordinal);

        Assert.Equal(0, Command("promote", "--mode", "live", "--version", "first", "--to", "champion").Code);
        await replica.Feed.RoundAsync(Cancel);
        var high = Request(card: 3, amount: 58_000);
        Assert.InRange((await replica.ScoreAsync(high, Now, Cancel))!.Score, 30, 100);
        Assert.InRange((await replica.ScoreAsync(Request(card: 3, amount: 900), Now, Cancel))!.Score, 0, 20);
        await replica.StoredAsync(1_202, Cancel);

        var list = Path.GetTempFileName();
        await File.WriteAllLinesAsync(list, [high.PaymentId.ToString(), Ids.New<PaymentId>().ToString()], Cancel);
        Assert.StartsWith("1 of 2", Command("label", "--mode", "live", "--payments", list, "--as", "fraud").Output, StringComparison.Ordinal);
        Assert.StartsWith("0 of 2", Command("label", "--mode", "live", "--payments", list, "--as", "fraud").Output, StringComparison.Ordinal);
        File.Delete(list);

        var explained = Command("explain", "--mode", "live", "--payment", high.PaymentId.ToString());
        Assert.True(explained.Code == 0, explained.Errors);
        Assert.Contains("high_amount", explained.Output, StringComparison.Ordinal);
        Assert.Contains("champion since first is champion", Command("evaluate", "--mode", "live").Output, StringComparison.Ordinal);
        await RetrainedAsync(replica);
        var test = Command("train", "--mode", "test");
        Assert.Equal((1, true), (test.Code, test.Errors.Contains("0 known frauds", StringComparison.Ordinal)));
    }

    /// <summary>A new challenger comes once the newest model is old and labels have come since, by whichever of two replicas is first.</summary>
    private async Task RetrainedAsync(ModelReplica replica)
    {
        await using var database = Npgsql.NpgsqlDataSource.Create(connection);
        Retraining Of() => new(database, replica.Registry, new StoredRows(database), new ModelOptions(), Ids, TimeProvider.System, NullLogger<Retraining>.Instance);
        await Of().RoundAsync(Cancel);
        Assert.Equal(0L, await ScalarAsync<long>("SELECT count(*) FROM models WHERE state = 'challenger'"));

        await ExecuteAsync("UPDATE models SET created_at = now() - interval '8 days'");
        await Task.WhenAll(Of().RoundAsync(Cancel), Of().RoundAsync(Cancel));
        await Of().RoundAsync(Cancel);

        Assert.Equal(1L, await ScalarAsync<long>("SELECT count(*) FROM models WHERE state = 'challenger' AND trainer = 'histogram' AND mode = 'live'"));
        Assert.Equal(2L, await ScalarAsync<long>("SELECT count(*) FROM models"));
        Assert.Equal(0L, await ScalarAsync<long>("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"));
    }

    [Fact]
    public async Task A_fresh_product_has_a_model_that_shadows_until_it_is_promoted_and_knows_an_attack_when_it_decides()
    {
        var both = await Task.WhenAll(ReplicaAsync(BuiltInUse.Challenger), ReplicaAsync(BuiltInUse.Challenger));
        var replica = both[0];
        Assert.Equal(2L, await ScalarAsync<long>("SELECT count(*) FROM models WHERE state = 'challenger'"));
        // The other replica may have been the one that put it there.
        await replica.Feed.RoundAsync(Cancel);
        Assert.Null(await replica.ScoreAsync(Request(card: 1, amount: 2_000), Now, Cancel));
        await replica.StoredAsync(1, Cancel);
        Assert.InRange(await ScalarAsync<double>("SELECT challenger_score FROM model_rows"), 0, 100);

        var model = Assert.Single(await replica.Registry.ListAsync(Mode.Live, null, null, 10, Cancel));
        await replica.Registry.PromoteAsync(model.Id, ModelState.Champion, "test", Cancel);
        await replica.Feed.RoundAsync(Cancel);
        var first = await replica.ScoreAsync(Tried(0), Now.AddMinutes(1), Cancel);
        Payments.Fraud.Scoring.ModelScore? last = null;
        for (var i = 1; i < 60; i++)
        {
            last = await replica.ScoreAsync(Tried(i), Now.AddMinutes(1).AddSeconds(2 * i), Cancel);
        }

        // Sixty cards from one address within two minutes are no longer what the first one was.
        Assert.True(last!.Score > first!.Score, $"{last.Score} after {first.Score}");

        static FraudRequest Tried(int card) => Request(card: 1_000 + card, amount: 150) with { Context = new RiskContext(Ip: "203.0.113.9", Email: $"a{card}@example.org") };
    }

    private async Task<ModelReplica> ReplicaAsync(BuiltInUse builtIn = BuiltInUse.None)
    {
        var replica = new ModelReplica(connection, builtIn);
        replicas.Add(replica);
        await replica.StartAsync(Cancel);
        return replica;
    }

    private static FraudRequest Request(int card, long amount, MerchantId? merchant = null) => new(
        Ids.New<PaymentId>(), merchant ?? new MerchantId(new Guid(7, 0, 0, new byte[8])), Mode.Live, amount, "USD", card.ToString("x64", CultureInfo.InvariantCulture), "visa", "400000", "US", "credit")
    {
        Context = new RiskContext(Ip: $"198.51.100.{card}", Email: $"customer{card}@example.org"),
    };

    private static Task<ModelRecord> AddAsync(ModelReplica replica, string version, double start) =>
        replica.Registry.AddAsync(Ids.New<FraudModelId>(), Mode.Live, null, ModelSample.Simple(version, start), 1_000_000, "test", Cancel);

    private static IEqualityComparer<(string, double)> Comparer() =>
        EqualityComparer<(string Name, double Value)>.Create((a, b) => a.Name == b.Name && Math.Abs(a.Value - b.Value) < 1e-4);

    private (int Code, string Output, string Errors) Command(params string[] args)
    {
        var (output, errors) = (new StringWriter(), new StringWriter());
        var code = FraudCommands.Run(args, [new HistogramTrainer()], output, errors, Cancel, name => name == "ConnectionStrings__fraud" ? connection : null);
        return (code, output.ToString(), errors.ToString());
    }

    private Task ExecuteAsync(string sql, params object[] values) => replicas[0].ExecuteAsync(sql, Cancel, values);

    private Task<T> ScalarAsync<T>(string sql) => replicas[0].ScalarAsync<T>(sql, Cancel);
}
