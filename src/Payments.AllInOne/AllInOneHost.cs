using System.Net;
using Payments.AllInOne.Embedded;
using Payments.Platform;
using Payments.ServiceDefaults;

namespace Payments.AllInOne;

/// <summary>
/// The whole product in this process: servers, then databases brought up to date, then one application per service, each on
/// its own port. Disposing stops everything in the opposite order and leaves the data.
/// </summary>
public sealed class AllInOneHost : IAsyncDisposable
{
    private static readonly TimeSpan HealthPatience = TimeSpan.FromSeconds(180);
    private readonly Stack<WebApplication> running = new();
    private readonly Dictionary<string, WebApplication> applications = [];
    private readonly FileStream ownership;
    private readonly FileLog log;
    private readonly TaskCompletionSource<string> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool isStopping;
    private Backends? backends;
    private Dashboard? dashboard;
    private MailDrop? mail;

    private AllInOneHost(AllInOneOptions options, ProductSecrets secrets, FileStream ownership)
    {
        Options = options;
        Secrets = secrets;
        Addresses = Addresses.From(options.BasePort);
        this.ownership = ownership;
        log = new FileLog(Path.Combine(options.DataDirectory, "payments.log"));
    }

    public AllInOneOptions Options { get; }

    public ProductSecrets Secrets { get; }

    public Addresses Addresses { get; }

    public Backends Backends => backends ?? throw new InvalidOperationException("The servers are not started.");

    public string LogFile => log.Path;

    /// <summary>Where receipts arrive.</summary>
    public string MailDirectory => Path.Combine(Options.DataDirectory, "mail");

    /// <summary>The log for what else runs in this process.</summary>
    internal ILoggerProvider LogOf(string name) => log.ProviderOf(name);

    /// <summary>Completes with the name of a service that ended by itself, as one does whose background work fails.</summary>
    public Task<string> ServiceEnded => ended.Task;

    /// <summary>The container of a service, by its name in <see cref="Names.Services"/>.</summary>
    public IServiceProvider ServicesOf(string service) => applications[service].Services;

    /// <exception cref="AlreadyRunningException">Another process runs on this data directory.</exception>
    /// <exception cref="InvalidOperationException">Something could not start; the message says what.</exception>
    public static async Task<AllInOneHost> StartAsync(AllInOneOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        Directory.CreateDirectory(options.DataDirectory);
        var ownership = Own(options.DataDirectory);
        AllInOneHost? host = null;
        try
        {
            File.Delete(RunFile.PathIn(options.DataDirectory)); // of a run that was killed
            host = new AllInOneHost(options, await ProductSecrets.LoadAsync(options.DataDirectory, cancellationToken), ownership);
            await host.StartAsync(cancellationToken);
            return host;
        }
        catch (Exception)
        {
            await (host?.DisposeAsync() ?? ownership.DisposeAsync());
            throw;
        }
    }

    /// <summary>Stops everything, also what is left when something does not stop cleanly.</summary>
    /// <exception cref="AggregateException">Something did not.</exception>
    public async ValueTask DisposeAsync()
    {
        isStopping = true;
        List<Func<ValueTask>> steps = [];
        foreach (var app in running)
        {
            steps.Add(async () => await app.StopAsync(CancellationToken.None));
            steps.Add(app.DisposeAsync);
        }

        steps.AddRange([.. new IAsyncDisposable?[] { dashboard, backends, mail, log, ownership }.OfType<IAsyncDisposable>().Select(d => (Func<ValueTask>)d.DisposeAsync)]);
        running.Clear();
        var failures = new List<Exception>();
        foreach (var step in steps)
        {
            try
            {
                await step();
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                failures.Add(e); // the next ones must stop all the same
            }
        }

        if (failures.Count > 0)
        {
            throw new AggregateException("Not everything stopped cleanly.", failures);
        }
    }

    private static FileStream Own(string directory)
    {
        try
        {
            return new FileStream(Path.Combine(directory, ".lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (e is not (DirectoryNotFoundException or FileNotFoundException))
        {
            throw new AlreadyRunningException(directory, e);
        }
    }

    private async Task StartAsync(CancellationToken cancellationToken)
    {
        if (Options.BasePort is not null
            && Addresses.FirstOccupied(Service.All.Select(s => (s.Name, s.PortOffset)).Append(("simulators (HTTPS)", Ports.SimulatorsHttps))) is var (name, port))
        {
            throw new InvalidOperationException($"Port {port}, wanted for {name}, is in use. Choose others with --port.");
        }

        if (Options.AspireCli is { } cli)
        {
            Options.Progress("Aspire dashboard");
            dashboard = await Dashboard.StartAsync(cli, Options.DataDirectory, Addresses, cancellationToken);
            // The process-wide exporters read the environment only.
            Environment.SetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT", Addresses.DashboardOtlpGrpc.GetLeftPart(UriPartial.Authority));
        }

        // Applications are put together while the servers start.
        backends = new Backends(Options, Addresses, Secrets);
        backends.Begin(cancellationToken);
        mail = MailDrop.Start(MailDirectory);
        var configuration = ServiceConfiguration.Of(Options, Addresses, Secrets, backends.Connections, mail.Port);
        var seams = new InProcessSeams();
        foreach (var service in Service.All)
        {
            applications[service.Name] = service.Build(Addresses, configuration, seams, log.ProviderOf(service.Name), Options.Clock);
        }

        seams.Api = ServicesOf(Names.Services.Api);
        seams.Vault = ServicesOf(Names.Services.Vault);
        seams.Fraud = ServicesOf(Names.Services.Fraud);

        await backends.Started;
        Options.Progress("databases");
        await Task.WhenAll(applications.Values.Select(app => app.MigrateAsync(cancellationToken)));

        foreach (var service in Service.All)
        {
            Options.Progress(service.Name);
            var app = applications[service.Name];
            running.Push(app);
            app.Lifetime.ApplicationStopping.Register(() =>
            {
                if (!isStopping)
                {
                    ended.TrySetResult(service.Name);
                }
            });
            await app.StartAsync(cancellationToken);
        }

        using var client = new HttpClient();
        foreach (var service in Service.All)
        {
            await WaitUntilHealthyAsync(client, service, cancellationToken);
        }
    }

    private async Task WaitUntilHealthyAsync(HttpClient client, Service service, CancellationToken cancellationToken)
    {
        var health = new Uri($"http://127.0.0.1:{Addresses.Port(service.PortOffset)}/health");
        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            using var answer = await client.GetAsync(health, cancellationToken);
            if (answer.StatusCode == HttpStatusCode.OK)
            {
                return;
            }

            if (TimeProvider.System.GetElapsedTime(started) > HealthPatience)
            {
                throw new InvalidOperationException(
                    $"Service {service.Name} is not healthy: {await answer.Content.ReadAsStringAsync(cancellationToken)} (log: {LogFile})");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), cancellationToken);
        }
    }
}

/// <summary>Two processes on one data directory would destroy it.</summary>
public sealed class AlreadyRunningException(string directory, Exception cause)
    : InvalidOperationException($"Payments already runs on {directory}. Stop it first (its process id is in {Path.Combine(directory, "run.json")}), or choose another directory with --data.", cause);
