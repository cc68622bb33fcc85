using Payments.Api.Flow;
using Payments.Connectors;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Simulation.Engine;
using Payments.Simulation.Histories;
using Payments.Simulation.Shell;

namespace Payments.Simulation.World;

/// <summary>Lets one history happen to a product of one API, one ledger and one sender of webhooks, and then come to rest.</summary>
internal sealed partial class Run
{
    private static readonly DateTimeOffset Start = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan NoticeDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan NoticeAgain = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan HeadsPoll = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ListEvery = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan ListOverlap = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan LateForARefund = TimeSpan.FromHours(1);
    private static readonly TimeSpan ReportAfter = TimeSpan.FromHours(25);
    private static readonly TimeSpan Convergence = TimeSpan.FromDays(8);
    private const long MostSteps = 200_000;

    private readonly Scheduler scheduler;
    private readonly Faults faults = new();
    private readonly Process outside;
    private readonly Process api;
    private readonly ApiProcess flow;
    private readonly Storage storage;
    private readonly Broker broker;
    private readonly ProducedMarks marks = new();
    private readonly List<Worker> workers = [];
    private readonly List<ConsumerHost> hosts = [];
    private readonly Dictionary<string, Card> vault = new(StringComparer.Ordinal);
    private readonly Dictionary<Provider, SimulatedProvider> providers = [];
    private readonly HashSet<string> kept = new(StringComparer.Ordinal);
    private readonly IdSource ids;
    private readonly MerchantId merchantId;
    private int apiLife;
    private DateTimeOffset listAt = Start;

    public Run(History history, Rules rules, Action<string>? tell = null)
    {
        Tell = tell;
        scheduler = new Scheduler(history.Schedule, Start);
        (outside, api) = (new Process("outside", scheduler), new Process("api", scheduler));
        ids = new IdSource(api, new Random(history.Schedule));
        merchantId = ids.New<MerchantId>();
        var options = new FlowOptions();
        Database = new Database(scheduler, options.Deadlines);
        storage = new Storage(Database, faults, scheduler, api, ids);
        broker = new Broker(faults);
        providers.Add(Provider.Stripe, new PromptProvider(scheduler, outside, fact => Notify(Provider.Stripe, fact)));
        providers.Add(Provider.Adyen, new LaterProvider(scheduler, outside, fact => Notify(Provider.Adyen, fact)));
        flow = new ApiProcess(storage, new Calls(providers, vault, Database, faults, scheduler, outside), Database, ids, api, scheduler, options, rules);
        var relay = new Relay(Database, broker, marks, scheduler);
        workers.Add(new Worker(api, () => Database.Attempts.Values.Any(a => a.FreeAt <= scheduler.Now), flow.SettleDueAsync));
        workers.Add(new Worker(api, () => Database.Notices.Values.Any(n => n.DueAt <= scheduler.Now), flow.ApplyDueNoticesAsync));
        workers.Add(new Worker(api, () => relay.HasWork, relay.ProduceAsync));
        workers.Add(new Worker(api, () => listAt <= scheduler.Now && Unlisted.Any(), ListAsync));
        hosts.Add(new ConsumerHost(new Process("ledger", scheduler), store => new Consumer(store, Database, broker, scheduler, rules, row => Books.Post(row.Event, row.Partition, row.Sequence))));
        hosts.Add(new ConsumerHost(new Process("webhooks", scheduler), store => new Consumer(store, Database, broker, scheduler, Rules.Right, _ => { })));
        foreach (var host in hosts)
        {
            workers.Add(new Worker(host.Process, () => host.Consumer.HasMessages || host.PollAt <= scheduler.Now, () => ConsumeAsync(host)));
        }

        // Continuations must run here and now: a context of the test runner would take them elsewhere.
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            Happen(history);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    private void Happen(History history)
    {
        foreach (var moment in history.Moments)
        {
            Tell?.Invoke($"{scheduler.Now:HH:mm:ss} {moment}");
            Do(moment.Act);
            Proceed(moment.Steps);
        }

        faults.End();
        Tell?.Invoke($"{scheduler.Now:HH:mm:ss} nothing goes wrong any more");
        Advance(Convergence);
    }

    public Database Database { get; }

    public Books Books { get; } = new();

    public Merchant Merchant { get; } = new();

    public Action<string>? Tell { get; }

    public IEnumerable<Charge> Charges => providers.Values.SelectMany(p => p.Charges);

    public IEnumerable<ConsumerStore> Consumers => hosts.Select(h => h.Store);

    public IReadOnlyList<Exception> Failures => scheduler.Failures;

    public bool NeverRests { get; private set; }

    /// <summary>Faults that struck, processes that died, and steps that the resolver took.</summary>
    public IEnumerable<string> Reached => faults.Struck
        .Concat(new[] { (Victim.Api, api), (Victim.Ledger, hosts[0].Process), (Victim.Webhooks, hosts[1].Process) }.Where(p => p.Item2.Life > 0).Select(p => Faults.NameOf(p.Item1)))
        .Concat(flow.Steps.Select(Faults.NameOf));

    /// <summary>Payments whose hold somebody captured or cancelled without us.</summary>
    public HashSet<PaymentId> HoldsTouched { get; } = [];

    /// <summary>Payments of which the provider told that a refund had succeeded only hours later, when it may have bounced and been tried again.</summary>
    public HashSet<PaymentId> ToldLateOfRefund { get; } = [];

    /// <summary>Somebody moved money without us.</summary>
    public bool HadDashboard { get; private set; }

    /// <summary>Charges that the provider which can list them made of late, under names that are not known here.</summary>
    private IEnumerable<Charge> Unlisted => providers[Provider.Stripe].Charges.Where(
        c => c.State is SimulatedChargeState.Held && c.CreatedAt >= scheduler.Now - ListOverlap && !Database.References.ContainsKey((c.Provider, c.Reference)));

    private Task ListAsync()
    {
        listAt = scheduler.Now + ListEvery;
        return flow.ListChargesAsync([.. Unlisted.Select(c => c.Listed(merchantId))]);
    }

    private void Notify(Provider provider, ProviderFact fact)
    {
        Tell?.Invoke($"{scheduler.Now:HH:mm:ss}   {provider} notes {fact.Kind} {fact.Amount} {fact.ModificationReference ?? fact.PaymentReference}");
        var isReadable = provider == Provider.Stripe && fact.AttemptId is not null && fact.Kind != ProviderFactKind.RefundFailed;
        TimeSpan[] delays = faults.Strikes(faults.Notices, out var fault) ? fault switch
        {
            NoticeFault.Lost => isReadable ? [] : [ReportAfter],
            NoticeFault.Twice => [NoticeDelay, NoticeAgain],
            NoticeFault.Late => [TimeSpan.FromMinutes(5)],
            _ => [TimeSpan.FromHours(3)],
        } : [NoticeDelay];
        if (fact is { Kind: ProviderFactKind.RefundSucceeded, PaymentId: { } refunded } && Array.Exists(delays, d => d >= LateForARefund))
        {
            ToldLateOfRefund.Add(refunded);
        }

        foreach (var delay in delays)
        {
            scheduler.StartAt(scheduler.Now + delay, outside, () => Deliver(provider, fact));
        }
    }

    /// <summary>Sent again until it is acknowledged.</summary>
    private Task Deliver(Provider provider, ProviderFact fact)
    {
        scheduler.Start(api, () => ForgivinglyAsync(async () =>
        {
            await storage.KeepAsync(provider, fact);
            kept.Add(fact.NoticeId);
        }));
        scheduler.StartAt(scheduler.Now + NoticeAgain, outside, () => kept.Contains(fact.NoticeId) ? Task.CompletedTask : Deliver(provider, fact));
        return Task.CompletedTask;
    }

    /// <summary>Whoever called gets an error and comes again.</summary>
    private static async Task ForgivinglyAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (DatabaseAwayException)
        {
            // A 500 to a browser or a provider.
        }
    }

    /// <summary>One turn of the consumer's loop.</summary>
    private async Task ConsumeAsync(ConsumerHost host)
    {
        if (host.Consumer.HasMessages)
        {
            await host.Consumer.StepAsync();
        }

        if (host.PollAt <= scheduler.Now)
        {
            host.PollAt = null;
            await host.Consumer.PollHeadsAsync();
        }
    }

    private void Proceed(int? steps)
    {
        if (steps is not { } few)
        {
            Advance(Pause);
            return;
        }

        for (var i = 0; i < few && Awake() && scheduler.RunOne(); i++)
        {
            // One step more.
        }
    }

    /// <summary>Lets time pass; everything happens when it is due.</summary>
    private void Advance(TimeSpan time)
    {
        var end = scheduler.Now + time;
        while (!NeverRests)
        {
            while (Awake() && scheduler.RunOne())
            {
                NeverRests |= scheduler.Steps > MostSteps;
                if (NeverRests)
                {
                    return;
                }
            }

            if (NextEvent() is not { } next || next > end)
            {
                break;
            }

            scheduler.AdvanceTo(next);
        }

        scheduler.AdvanceTo(end);
    }

    /// <summary>Starts what died again, and a round of each worker that has something to do.</summary>
    private bool Awake()
    {
        if (api.Life != apiLife)
        {
            apiLife = api.Life;
            marks.Forget();
            Tell?.Invoke($"{scheduler.Now:HH:mm:ss}   the API process died and starts again");
        }

        foreach (var host in hosts)
        {
            host.Begin(Database.Log.Count, scheduler.Now + HeadsPoll);
        }

        foreach (var worker in workers)
        {
            worker.Begin(scheduler);
        }

        return true;
    }

    private DateTimeOffset? NextEvent()
    {
        var next = scheduler.NextWaking ?? DateTimeOffset.MaxValue;
        foreach (var attempt in Database.Attempts.Values)
        {
            next = attempt.FreeAt < next ? attempt.FreeAt.Value : next;
        }

        foreach (var notice in Database.Notices.Values)
        {
            next = notice.DueAt < next ? notice.DueAt.Value : next;
        }

        foreach (var host in hosts)
        {
            next = host.PollAt < next ? host.PollAt.Value : next;
        }

        if (listAt > scheduler.Now && listAt < next && Unlisted.Any())
        {
            next = listAt;
        }

        return next == DateTimeOffset.MaxValue ? null : next;
    }
}
