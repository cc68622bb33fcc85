using System.Net.Http.Headers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using Payments.AllInOne.Embedded;
using Payments.Core;
using Payments.Core.Events;
using Payments.Platform;
using Payments.Platform.Http;
using Payments.Platform.Inbox;
using Payments.Platform.Outbox;
using Payments.Platform.Postgres;
using Xunit;

namespace Payments.IntegrationTests.Events;

/// <summary>
/// A publisher and its consumers, each an application of its own with its own database, with a broker of their own between them
/// that a test may wipe or cut off.
/// </summary>
internal sealed class EventTestBed : IAsyncDisposable
{
    internal const string InternalKey = "internal-key-of-the-tests";
    private readonly EmbeddedServers servers;
    private readonly List<TestConsumer> consumers = [];
    private WebApplication? publisher;

    private EventTestBed(EmbeddedServers servers, NpgsqlDataSource published, KafkaBroker broker) =>
        (this.servers, Published, Broker) = (servers, published, broker);

    public NpgsqlDataSource Published { get; private set; }

    public KafkaBroker Broker { get; }

    public Uri PublisherUrl => new(publisher!.Urls.Single());

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public static async Task<EventTestBed> StartAsync(EmbeddedServers servers, bool withPublisher = true)
    {
        var broker = KafkaBroker.Start(new Dictionary<string, int> { [Names.Topics.PaymentEvents] = 4 });
        var bed = new EventTestBed(servers, await servers.DatabaseAsync(Cancelled, Plumbing.Outbox), broker);
        if (withPublisher)
        {
            await bed.StartPublisherAsync();
        }

        return bed;
    }

    /// <summary>Starts the publisher, at the address it had before if it had one.</summary>
    public async Task StartPublisherAsync()
    {
        var builder = Builder(publisher is null ? "http://127.0.0.1:0" : PublisherUrl.ToString(), new() { ["Payments:Outbox:MaxRetryDelayMilliseconds"] = "500" });
        builder.Services.AddSingleton(Published);
        builder.AddOutbox();
        var app = builder.Build();
        app.UsePaymentsHttp();
        app.MapOutbox();
        await app.StartAsync(Cancelled);
        publisher = app;
    }

    public async Task StopPublisherAsync() => await publisher!.StopAsync(Cancelled);

    /// <summary>Gives the publisher another database, as a restore into a new one would.</summary>
    /// <param name="epoch">The epoch that the other has from the first moment that a consumer can see it; null: one of its own.</param>
    public async Task ReplacePublishedAsync(Guid? epoch = null)
    {
        var other = await servers.DatabaseAsync(Cancelled, Plumbing.Outbox);
        if (epoch is { } given)
        {
            await other.ExecuteAsync($"""
                BEGIN; ALTER TABLE outbox_heads DISABLE TRIGGER outbox_heads_grow; UPDATE outbox_heads SET epoch = '{given}';
                ALTER TABLE outbox_heads ENABLE TRIGGER outbox_heads_grow; COMMIT
                """, Cancelled);
        }

        await publisher!.StopAsync(Cancelled);
        Published = other;
        await StartPublisherAsync();
    }

    /// <summary>Starts a consumer with a database of its own, or one more replica of an existing consumer.</summary>
    public async Task<TestConsumer> StartConsumerAsync(string name, TestConsumer? replicaOf = null, StartAt? startAt = null, bool withKafka = true)
    {
        var database = replicaOf?.Database;
        if (database is null)
        {
            database = await servers.DatabaseAsync(Cancelled, Plumbing.Inbox);
            await database.ExecuteAsync(EffectHandler.Tables, Cancelled);
        }

        var builder = Builder("http://127.0.0.1:0", new()
        {
            ["Payments:Urls:Api"] = PublisherUrl.ToString(),
            ["Payments:Events:HeadsPollMilliseconds"] = "300",
            ["Payments:Events:MaxRetryDelayMilliseconds"] = "500",
            ["ConnectionStrings:kafka"] = withKafka ? Broker.BootstrapServers : "127.0.0.1:1",
        });
        builder.Services.AddSingleton(database);
        builder.AddEventConsumer<EffectHandler>(name, startAt);
        var app = builder.Build();
        app.UsePaymentsHttp();
        app.MapDeadLetters();
        app.MapHealthChecks("/health");
        await app.StartAsync(Cancelled);
        var consumer = new TestConsumer(app, database);
        consumers.Add(consumer);
        return consumer;
    }

    /// <summary>Commits the events and wakes the relay, as the payment flow does.</summary>
    public async Task WriteAsync(params PaymentEvent[] events)
    {
        await Published.AppendAsync(Cancelled, events);
        publisher?.Services.GetRequiredService<OutboxSignal>().Committed();
    }

    /// <summary>Authorization and capture of so many new payments, each in a transaction of its own.</summary>
    public async Task<IReadOnlyList<PaymentEvent>> WritePaymentsAsync(int payments)
    {
        var written = new List<PaymentEvent>();
        for (var i = 0; i < payments; i++)
        {
            var payment = EventSamples.Ids.New<PaymentId>();
            PaymentEvent[] events = [EventSamples.Authorized(payment), EventSamples.Captured(payment)];
            await WriteAsync(events);
            written.AddRange(events);
        }

        return written;
    }

    public HttpClient InternalClient(Uri address) => new()
    {
        BaseAddress = address,
        DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", InternalKey) },
    };

    public async ValueTask DisposeAsync()
    {
        foreach (var consumer in consumers)
        {
            await consumer.DisposeAsync();
        }

        if (publisher is not null)
        {
            await publisher.DisposeAsync();
        }

        await Published.DisposeAsync();
        await Broker.DisposeAsync();
    }

    private WebApplicationBuilder Builder(string url, Dictionary<string, string?> settings)
    {
        var builder = WebApplication.CreateBuilder();
        builder.WebHost.UseUrls(url);
        builder.Logging.ClearProviders();
        builder.Logging.SetMinimumLevel(LogLevel.Warning).AddProvider(new TestOutput(TestContext.Current.TestOutputHelper));
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Payments:InternalKey"] = InternalKey,
            ["ConnectionStrings:kafka"] = Broker.BootstrapServers,
            ["Payments:Kafka:DeliveryTimeoutMilliseconds"] = "3000",
        });
        builder.Configuration.AddInMemoryCollection(settings);
        builder.AddPaymentsHttp();
        return builder;
    }

    private sealed class TestOutput(ITestOutputHelper? output) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public void Dispose()
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, Microsoft.Extensions.Logging.EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            try
            {
                output?.WriteLine($"{logLevel}: {formatter(state, exception)} {exception}");
            }
            catch (InvalidOperationException)
            {
                // The test is over, and with it the place to write to.
            }
        }
    }
}
