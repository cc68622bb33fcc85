using System.Globalization;
using Payments.AllInOne.Demo;
using Spectre.Console;

namespace Payments.AllInOne;

/// <summary>A start as a person sees it: progress, what the demo did, addresses, and the line that begins with READY.</summary>
internal static class Startup
{
    public static async Task<RunningProduct> RunAsync(CommandLine command, IAnsiConsole console, CancellationToken cancellationToken)
    {
        var host = await WithProgressAsync(console, progress => AllInOneHost.StartAsync(
            new()
            {
                DataDirectory = command.DataDirectory,
                BasePort = command.Port,
                AspireCli = command.AspireCli,
                ExternalConnections = ExternalConnections(),
                Progress = progress,
            }, cancellationToken));
        var product = new RunningProduct(host);
        try
        {
            product.Receiver = await DemoReceiver.StartAsync(host.Addresses, host.LogOf("demo-receiver"), cancellationToken);
            using var shop = new DemoShop(host);
            var merchantId = await shop.FindMerchantAsync(cancellationToken);
            if (command.Demo)
            {
                console.WriteLine("Making one payment through each provider.");
                await DemoPayments.RunAsync(shop, merchantId, product.Receiver, console, cancellationToken);
            }

            var file = RunFileOf(host, merchantId);
            await file.WriteAsync(command.DataDirectory, cancellationToken);
            Print(console, host, file);
            await Console.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
                $"READY after {(TimeProvider.System.GetUtcNow() - command.Began).TotalSeconds:0.0} s: {file.Api} (Ctrl-C stops; the data stays in {command.DataDirectory})"));
            return product;
        }
        catch (Exception)
        {
            await product.DisposeAsync();
            throw;
        }
    }

    private static Dictionary<string, string> ExternalConnections()
    {
        var environment = new ConfigurationBuilder().AddEnvironmentVariables().Build();
        return Backends.ConnectionNames
            .Select(name => (Name: name, Value: environment.GetConnectionString(name)))
            .Where(c => !string.IsNullOrEmpty(c.Value))
            .ToDictionary(c => c.Name, c => c.Value!);
    }

    private static RunFile RunFileOf(AllInOneHost host, string merchantId) => new()
    {
        Api = Text(host.Addresses.Api),
        Vault = Text(host.Addresses.Vault),
        Ledger = Text(host.Addresses.Ledger),
        Console = null,
        Dashboard = host.Options.AspireCli is null ? null : Text(host.Addresses.Dashboard),
        Simulators = new()
        {
            Base = Text(host.Addresses.Simulators),
            Stripe = Text(host.Addresses.Simulators),
            Adyen = Text(host.Addresses.SimulatorsHttps),
        },
        MerchantId = merchantId,
        SecretKey = host.Secrets.SecretKey,
        PublishableKey = host.Secrets.PublishableKey,
        OperatorKey = host.Secrets.OperatorKey,
        Pid = Environment.ProcessId,
        ConnectionStrings = host.Backends.Connections,
    };

    private static void Print(IAnsiConsole console, AllInOneHost host, RunFile file)
    {
        var table = new Table().Border(TableBorder.None).HideHeaders().AddColumns("what", "where");
        void Row(string what, string? where) => table.AddRow(new Text("  " + what), new Text(where ?? string.Empty));
        Row("Merchant API", $"{file.Api} (OpenAPI: {file.Api}/openapi/v1.json)");
        Row("Token vault", file.Vault);
        Row("Simulators", $"Stripe {file.Simulators.Stripe}, Adyen {file.Simulators.Adyen}");
        if (file.Dashboard is not null)
        {
            Row("Aspire dashboard", file.Dashboard);
        }

        Row("Webhooks received", Text(new Uri(host.Addresses.DemoReceiver, "/received"), whole: true));
        Row("Receipts", host.MailDirectory);
        Row("Log", host.LogFile);
        Row("Merchant", $"{file.MerchantId} ({ServiceConfiguration.DemoMerchant})");
        Row("Secret key", file.SecretKey);
        Row("Publishable key", file.PublishableKey);
        Row("Operator key", file.OperatorKey);
        console.Write(table);
        // Written raw: a line to copy must not be wrapped.
        Console.Out.WriteLine();
        Console.Out.WriteLine("Try:");
        foreach (var line in TryLines(file))
        {
            Console.Out.WriteLine("  " + line);
        }

        Console.Out.WriteLine();
    }

    /// <summary>A payment by hand, as lines for a POSIX shell: a token for a test card, then a payment with it.</summary>
    private static string[] TryLines(RunFile file)
    {
        const string json = "-H 'Content-Type: application/json'";
        const string key = "-H \"Idempotency-Key: $(date +%s%N)\"";
        return
        [
            $"TOKEN=$(curl -s {file.Vault}/v1/tokens -H 'Authorization: Bearer {file.PublishableKey}' {key} {json} -d '{{\"card\":{{\"number\":\"4242424242424242\",\"exp_month\":12,\"exp_year\":2034,\"cvc\":\"123\"}}}}' | grep -o 'tok_[A-Za-z0-9_]*' | head -n 1)",
            $"curl -s {file.Api}/v1/payments -H 'Authorization: Bearer {file.SecretKey}' {key} {json} -d '{{\"amount\":1999,\"currency\":\"USD\",\"payment_method\":{{\"token\":\"'$TOKEN'\"}}}}'",
        ];
    }

    private static string Text(Uri address, bool whole = false) => whole ? address.AbsoluteUri : address.GetLeftPart(UriPartial.Authority);

    private static async Task<AllInOneHost> WithProgressAsync(IAnsiConsole console, Func<Action<string>, Task<AllInOneHost>> start)
    {
        if (console.Profile.Capabilities.Interactive)
        {
            return await console.Status().StartAsync("Starting", status => start(what => status.Status("Starting " + Markup.Escape(what))));
        }

        return await start(what => console.WriteLine("  starting " + what));
    }
}

/// <summary>The host and what was started for the demo beside it.</summary>
internal sealed class RunningProduct(AllInOneHost host) : IAsyncDisposable
{
    public DemoReceiver? Receiver { get; set; }

    public Task<string> ServiceEnded => host.ServiceEnded;

    public string LogFile => host.LogFile;

    public async ValueTask DisposeAsync()
    {
        File.Delete(RunFile.PathIn(host.Options.DataDirectory)); // no longer true
        await host.DisposeAsync();
        if (Receiver is not null)
        {
            await Receiver.DisposeAsync();
        }
    }
}
