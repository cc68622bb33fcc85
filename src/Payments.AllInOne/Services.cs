using Payments.Api;
using Payments.Fraud;
using Payments.Ledger;
using Payments.Platform;
using Payments.Reconciliation;
using Payments.ServiceDefaults;
using Payments.Simulators;
using Payments.Vault;
using Payments.Webhooks;

namespace Payments.AllInOne;

/// <summary>One service as this host runs it: an application of its own, with its own container, on its own port.</summary>
internal sealed record Service(string Name, int PortOffset, Action<WebApplicationBuilder> Add, Action<WebApplication> Map, int? HttpsOffset = null)
{
    /// <summary>In starting order; they stop in the opposite one. Who reads the log of events starts after its publisher, but for fraud, which the publisher asks.</summary>
    public static readonly IReadOnlyList<Service> All =
    [
        new(Names.Services.Simulators, Ports.Simulators, b => b.AddSimulators(), a => a.MapSimulators(), Ports.SimulatorsHttps),
        new(Names.Services.Vault, Ports.Vault, b => b.AddVault(), a => a.MapVault()),
        new(Names.Services.Fraud, Ports.Fraud, b => b.AddFraud(), a => a.MapFraud()),
        new(Names.Services.Api, Ports.Api, b => b.AddApi(), a => a.MapApi()),
        new(Names.Services.Ledger, Ports.Ledger, b => b.AddLedger(), a => a.MapLedger()),
        new(Names.Services.Webhooks, Ports.Webhooks, b => b.AddWebhooks(), a => a.MapWebhooks()),
        new(Names.Services.Reconciliation, Ports.Reconciliation, b => b.AddReconciliation(), a => a.MapReconciliation()),
    ];

    public WebApplication Build(Addresses addresses, IReadOnlyDictionary<string, string?> configuration, InProcessSeams seams, ILoggerProvider log, TimeProvider? clock = null)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            ApplicationName = "Payments." + char.ToUpperInvariant(Name[0]) + Name[1..],
            ContentRootPath = AppContext.BaseDirectory,
            EnvironmentName = Environments.Production,
        });
        builder.Configuration.AddInMemoryCollection(configuration);
        builder.Logging.ClearProviders().AddProvider(log);
        builder.Services.AddSingleton<IHostLifetime, OwnedLifetime>();
        builder.Services.AddSingleton(clock ?? TimeProvider.System);
        builder.WebHost.UseUrls([$"http://127.0.0.1:{addresses.Port(PortOffset)}", .. HttpsOffset is { } https ? [$"https://127.0.0.1:{addresses.Port(https)}"] : Array.Empty<string>()]);
        builder.AddServiceDefaults(Name);
        seams.AddTo(builder.Services, Name);
        Add(builder);

        var app = builder.Build();
        app.MapServiceDefaults();
        Map(app);
        return app;
    }

    /// <summary>The process's signals belong to the host of all services, which stops them in order.</summary>
    internal sealed class OwnedLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
