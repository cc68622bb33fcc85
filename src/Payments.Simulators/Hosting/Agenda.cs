using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Payments.Simulators.Adyen;
using Payments.Simulators.Books;
using Payments.Simulators.Disputes;
using Payments.Simulators.Stripe;
using Payments.Simulators.Webhooks;

namespace Payments.Simulators.Hosting;

/// <summary>
/// What the providers still have to do, in order of time: turns of refunds and modifications, webhook deliveries. It is rebuilt
/// from the books at start, so nothing is forgotten over a restart.
/// </summary>
public sealed class Agenda : BackgroundService
{
    /// <summary>A provider has enough of them: what it tells late is late because of a fault, or because nobody answers.</summary>
    private const int MostDeliveriesAtOnce = 256;

    private static readonly TimeSpan LongestSleep = TimeSpan.FromHours(1);

    private readonly BookStore books;
    private readonly WebhookDeliveries deliveries;
    private readonly StripeRefunds stripeRefunds;
    private readonly StripeCaptures stripeCaptures;
    private readonly StripeDebits stripeDebits;
    private readonly AdyenPayments adyenPayments;
    private readonly AdyenModifications adyenModifications;
    private readonly AdyenTechnicalCancels adyenTechnicalCancels;
    private readonly DisputeDesk disputes;
    private readonly TimeProvider clock;
    private readonly ILogger<Agenda> log;
    private readonly PriorityQueue<Entity, (DateTimeOffset DueAt, long Number)> queue = new();
    private readonly Lock gate = new();
    private readonly SemaphoreSlim slots = new(MostDeliveriesAtOnce);
    private TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long number;

    public Agenda(
        BookStore books,
        WebhookDeliveries deliveries,
        StripeRefunds stripeRefunds,
        StripeCaptures stripeCaptures,
        StripeDebits stripeDebits,
        AdyenPayments adyenPayments,
        AdyenModifications adyenModifications,
        AdyenTechnicalCancels adyenTechnicalCancels,
        DisputeDesk disputes,
        TimeProvider clock,
        ILogger<Agenda> log)
    {
        ArgumentNullException.ThrowIfNull(books);
        this.books = books;
        this.deliveries = deliveries;
        this.stripeRefunds = stripeRefunds;
        this.stripeCaptures = stripeCaptures;
        this.stripeDebits = stripeDebits;
        this.adyenPayments = adyenPayments;
        this.adyenModifications = adyenModifications;
        this.adyenTechnicalCancels = adyenTechnicalCancels;
        this.disputes = disputes;
        this.clock = clock;
        this.log = log;
        books.Due += Add;
        foreach (var waiting in books.Read(b => b.Deliveries.NewestFirst().Concat<Entity>(b.Turns.NewestFirst()).Reverse().ToList()))
        {
            Add(waiting);
        }
    }

    public override void Dispose()
    {
        books.Due -= Add;
        slots.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var (due, wait, more) = Next();
            switch (due)
            {
                case null:
                    await SleepAsync(more, wait, stoppingToken);
                    break;
                case PendingTurn turn:
                    TakeTurn(turn);
                    break;
                case Delivery delivery:
                    await slots.WaitAsync(stoppingToken);
                    _ = Task.Run(() => DeliverAsync(delivery.Id, stoppingToken), stoppingToken);
                    break;
            }
        }
    }

    private (Entity? Due, TimeSpan Wait, Task More) Next()
    {
        lock (gate)
        {
            if (changed.Task.IsCompleted)
            {
                changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            if (!queue.TryPeek(out _, out var first))
            {
                return (null, LongestSleep, changed.Task);
            }

            var wait = first.DueAt - clock.GetUtcNow();
            return wait <= TimeSpan.Zero ? (queue.Dequeue(), TimeSpan.Zero, changed.Task) : (null, wait, changed.Task);
        }
    }

    private async Task SleepAsync(Task more, TimeSpan wait, CancellationToken stoppingToken)
    {
        using var waking = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        await Task.WhenAny(more, Task.Delay(wait > LongestSleep ? LongestSleep : wait, clock, waking.Token));
        await waking.CancelAsync();
    }

    private void Add(Entity entity)
    {
        lock (gate)
        {
            var dueAt = entity switch
            {
                PendingTurn turn => turn.DueAt,
                Delivery delivery => delivery.DueAt,
                _ => throw new InvalidOperationException($"{entity.GetType().Name} is nothing to be done."),
            };
            queue.Enqueue(entity, (dueAt, ++number));
            changed.TrySetResult();
        }
    }

    private async Task DeliverAsync(string id, CancellationToken stoppingToken)
    {
        try
        {
            await deliveries.RunAsync(id, stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Still in the books: done after the next start.
        }
        catch (Exception e)
        {
            Log.AgendaFailed(log, e, id);
        }
        finally
        {
            slots.Release();
        }
    }

    private void TakeTurn(PendingTurn turn)
    {
        try
        {
            books.Write(transaction =>
            {
                switch (turn.Kind)
                {
                    case StripeRefunds.FailsTurn or StripeRefunds.SucceedsTurn:
                        stripeRefunds.Turn(transaction, turn);
                        break;
                    case StripeCaptures.ExpireTurn:
                        stripeCaptures.Turn(transaction, turn);
                        break;
                    case StripeDebits.SettleTurn:
                        stripeDebits.Turn(transaction, turn);
                        break;
                    case AdyenPayments.CaptureTurn:
                        AdyenPayments.CaptureAutomatically(transaction, turn);
                        break;
                    case AdyenPayments.OfferTurn:
                        adyenPayments.CloseOffer(transaction, turn);
                        break;
                    case AdyenTechnicalCancels.CancelTurn:
                        adyenTechnicalCancels.Turn(transaction, turn);
                        break;
                    case DisputeDesk.OpenTurn or DisputeDesk.DecideTurn or DisputeDesk.LateTurn:
                        disputes.Turn(transaction, turn);
                        break;
                    default:
                        adyenModifications.Turn(transaction, turn);
                        break;
                }

                return turn;
            });
        }
        catch (Exception e)
        {
            Log.AgendaFailed(log, e, turn.Id);
        }
    }
}
