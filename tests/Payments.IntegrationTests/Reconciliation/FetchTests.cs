using System.Net.Http.Headers;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using Payments.Core;
using Payments.Reconciliation;
using Payments.Reconciliation.Fetching;
using Xunit;
using static Payments.IntegrationTests.Reconciliation.Statements;

namespace Payments.IntegrationTests.Reconciliation;

/// <summary>Reports that do not come, break off, change meanwhile or are not what they should be.</summary>
public sealed class FetchTests(EmbeddedServers servers) : IAsyncLifetime
{
    private const string Name = "settlement_detail_report_batch_3.csv";
    private const string Password = "s3cret-of-the-report-user";
    private const string Adyen = """
        Merchant Account,Psp Reference,Creation Date,TimeZone,Type,Modification Reference,Gross Currency,Gross Debit (GC),Gross Credit (GC),Net Currency,Net Debit (NC),Net Credit (NC),Commission (NC),Markup (NC),Scheme Fees (NC),Interchange (NC),Batch Number
        Shop,PSP1,2026-03-10 12:00:00,UTC,Settled,MOD1,USD,,100.00,USD,,99.70,,0.30,,,3

        """;

    private readonly WebApplication provider = Provider();
    private readonly List<string> asked = [];
    private Func<HttpContext, Task> answer = _ => Task.CompletedTask;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private Uri Address => new(provider.Urls.First());

    public async ValueTask InitializeAsync()
    {
        provider.Run(async context =>
        {
            asked.Add($"{context.Request.Path}{context.Request.QueryString} {context.Request.Headers.Range}");
            await answer(context);
        });
        await provider.StartAsync(Cancel);
    }

    public async ValueTask DisposeAsync() => await provider.DisposeAsync();

    [Fact]
    public async Task A_download_that_breaks_off_goes_on_where_it_was_and_starts_again_when_the_report_has_changed()
    {
        var (path, whole) = (Path.Combine(servers.CreateDirectory(), Name), Encoding.UTF8.GetBytes(Adyen));
        answer = context => ServeAsync(context, whole, "\"one\"", breakAfter: 100, path);
        Assert.Equal("the answer broke off", (await Assert.ThrowsAsync<FetchFailedException>(() => FetchAsync(path))).Message);
        Assert.False(File.Exists(path));

        answer = context => ServeAsync(context, whole, "\"one\"");
        await FetchAsync(path);
        Assert.Equal(whole, await File.ReadAllBytesAsync(path, Cancel));
        Assert.Equal(["/x ", "/x bytes=100-"], asked);

        // Broken off again, and behind it another version: nothing of the old one is left.
        var other = Encoding.UTF8.GetBytes(Adyen.Replace("PSP1", "PSP2", StringComparison.Ordinal));
        answer = context => ServeAsync(context, whole, "\"one\"", breakAfter: 100, path);
        await Assert.ThrowsAsync<FetchFailedException>(() => FetchAsync(path));
        answer = context => ServeAsync(context, other, "\"two\"");
        await FetchAsync(path);
        Assert.Equal(other, await File.ReadAllBytesAsync(path, Cancel));
    }

    [Fact]
    public async Task A_download_is_bounded_with_and_without_a_length_and_follows_no_redirect()
    {
        var path = Path.Combine(servers.CreateDirectory(), Name);
        answer = context => ServeAsync(context, new byte[5_000], null);
        Assert.Equal("larger than 4000 bytes", (await Assert.ThrowsAsync<FetchFailedException>(() => FetchAsync(path, 4_000))).Message);
        answer = async context =>
        {
            for (var i = 0; i < 50; i++)
            {
                await context.Response.Body.WriteAsync(new byte[100], Cancel);
                await context.Response.Body.FlushAsync(Cancel);
            }
        };
        Assert.Equal("larger than 4000 bytes", (await Assert.ThrowsAsync<FetchFailedException>(() => FetchAsync(path, 4_000))).Message);
        answer = context =>
        {
            context.Response.Redirect("/elsewhere");
            return Task.CompletedTask;
        };
        Assert.Equal("http 302", (await Assert.ThrowsAsync<FetchFailedException>(() => FetchAsync(path))).Message);
        Assert.DoesNotContain(asked, a => a.Contains("elsewhere", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_report_that_does_not_come_is_tried_again_and_seen_and_its_credentials_are_not()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var (log, list) = (new Lines(), new FetchList(database.Source));
        var fetcher = Fetcher(database, list, log);
        await list.AddAsync(Mode.Test, Book.Adyen, Name, again: true, Cancel);
        answer = context =>
        {
            context.Response.StatusCode = 500;
            return context.Response.WriteAsync(Password, Cancel);
        };
        for (var i = 0; i < FetchHealth.TriesBeforeWorry; i++)
        {
            Assert.Equal(HealthStatus.Healthy, (await new FetchHealth(list).CheckHealthAsync(new(), Cancel)).Status);
            Assert.Equal(0, await fetcher.FetchDueAsync(Cancel));
            Assert.Equal(0, await fetcher.FetchDueAsync(Cancel));
            Assert.Equal(i + 1, asked.Count);
            await database.ExecuteAsync("UPDATE recon.fetches SET due_at = now() - interval '1 second'");
        }

        var health = await new FetchHealth(list).CheckHealthAsync(new(), Cancel);
        Assert.Equal((HealthStatus.Degraded, $"1 reports do not come, the oldest is adyen {Name}: http 500."), (health.Status, health.Description));

        answer = context =>
        {
            Assert.Equal("Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("reader:" + Password)), context.Request.Headers.Authorization.ToString());
            return ServeAsync(context, Encoding.UTF8.GetBytes(Adyen), "\"one\"");
        };
        Assert.Equal(1, await fetcher.FetchDueAsync(Cancel));
        Assert.Equal(HealthStatus.Healthy, (await new FetchHealth(list).CheckHealthAsync(new(), Cancel)).Status);
        Assert.Equal("/reports/download/MerchantAccount/Shop/" + Name + " ", asked[^1]);
        Assert.Equal(["done|1|complete"], await database.RowsAsync("SELECT f.state, f.import_number, i.state FROM recon.fetches f JOIN recon.imports i ON i.number = f.import_number"));

        // Announced again, the same content is the same import.
        await list.AddAsync(Mode.Test, Book.Adyen, Name, again: true, Cancel);
        Assert.Equal(1, await fetcher.FetchDueAsync(Cancel));
        Assert.Equal(["1"], await database.RowsAsync("SELECT count(*) FROM recon.imports"));
        Assert.NotEmpty(log.Text);
        Assert.DoesNotContain(log.Text, l => l.Contains(Password, StringComparison.Ordinal) || l.Contains("Basic", StringComparison.Ordinal) || l.Contains("http://", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_report_that_is_no_statement_is_refused_and_seen()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var list = new FetchList(database.Source);
        await list.AddAsync(Mode.Test, Book.Adyen, Name, again: true, Cancel);
        answer = context => ServeAsync(context, "<html>Sign in</html>"u8.ToArray(), null);

        await Fetcher(database, list, new()).FetchDueAsync(Cancel);

        Assert.Equal(["refused|line 1: the file is no statement that is known"], await database.RowsAsync("SELECT state, failure FROM recon.fetches"));
        Assert.Equal(HealthStatus.Degraded, (await new FetchHealth(list).CheckHealthAsync(new(), Cancel)).Status);
    }

    [Fact]
    public async Task Statements_of_the_directory_are_taken_when_they_are_whole_and_put_aside()
    {
        await using var database = await ReconciliationDatabase.CreateAsync(servers);
        var inbox = Directory.CreateDirectory(Path.Combine(database.Files, "in", "live")).FullName;
        var statements = new StatementDirectory(
            database.Importer, Microsoft.Extensions.Options.Options.Create(new ReconciliationOptions { StatementDirectory = Path.Combine(database.Files, "in"), StatementQuietSeconds = 60 }), TimeProvider.System, new Lines());
        foreach (var (name, text, age) in new[] { ("good.sta", Bank("1", (0, 500, "STRIPE PAYOUT po_1")), 90), ("bad.sta", Bank("2", (0, 500, "X")).Replace("62F:C260320USD5,00", "62F:C260320USD5,01", StringComparison.Ordinal), 90), ("new.sta", Bank("3"), 0), ("half.part", Bank("4"), 90) })
        {
            await File.WriteAllTextAsync(Path.Combine(inbox, name), text, Cancel);
            File.SetLastWriteTimeUtc(Path.Combine(inbox, name), TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(-age));
        }

        Assert.Equal(2, await statements.TakeAsync(Cancel));
        Assert.Equal(0, await statements.TakeAsync(Cancel));

        Assert.Equal(["done/good.sta", "half.part", "new.sta", "refused/bad.sta"], Directory.GetFiles(inbox, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(inbox, f)).Order(StringComparer.Ordinal));
        Assert.Equal(["live|complete", "live|refused"], await database.RowsAsync("SELECT mode, state FROM recon.imports ORDER BY 2"));
    }

    private Task FetchAsync(string path, long most = 1_000_000) =>
        new Download(Client(), most).FetchAsync(new Uri(Address, "/x"), new AuthenticationHeaderValue("Basic", "eA=="), path, Cancel);

    private Fetcher Fetcher(ReconciliationDatabase database, FetchList list, Lines log)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Payments:Reports:Adyen:Test:BaseUrl"] = Address.ToString(),
            ["Payments:Reports:Adyen:Test:MerchantAccount"] = "Shop",
            ["Payments:Reports:Adyen:Test:User"] = "reader",
            ["Payments:Reports:Adyen:Test:Password"] = Password,
        }).Build();
        var options = Microsoft.Extensions.Options.Options.Create(new ReconciliationOptions { FetchDirectory = database.Files });
        return new(list, database.Importer, configuration, new Clients(), options, TimeProvider.System, log);
    }

    private static HttpClient Client() => new(new SocketsHttpHandler { AllowAutoRedirect = false });

    private static WebApplication Provider()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        return builder.Build();
    }

    /// <summary>As a server of files answers, unless it breaks off.</summary>
    private static async Task ServeAsync(HttpContext context, byte[] whole, string? tag, int? breakAfter = null, string path = "")
    {
        if (breakAfter is { } length)
        {
            context.Response.ContentLength = whole.Length;
            context.Response.Headers.ETag = tag;
            await context.Response.Body.WriteAsync(whole.AsMemory(0, length), Cancel);
            await context.Response.Body.FlushAsync(Cancel);

            // What was sent has arrived before the connection goes.
            while (new FileInfo(path + Download.PartSuffix) is not { Exists: true } part || part.Length < length)
            {
                await Task.Delay(20, Cancel);
            }

            context.Abort();
            return;
        }

        await Results.File(whole, "text/csv", enableRangeProcessing: true, entityTag: tag is null ? null : new(tag)).ExecuteAsync(context);
    }

    private sealed class Clients : IHttpClientFactory
    {
        public HttpClient CreateClient(string name) => Client();
    }

    private sealed class Lines : ILogger<Fetcher>, ILogger<StatementDirectory>
    {
        public List<string> Text { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, Microsoft.Extensions.Logging.EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Text.Add(formatter(state, exception) + exception);
    }
}
