using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Payments.Simulators.Adyen;
using Payments.Simulators.Books;
using Payments.Simulators.Stripe;
using Payments.Simulators.Webhooks;

namespace Payments.Simulators.Hosting;

/// <summary>
/// What the providers still have to do, in order of time: turns of refunds and modifications, webhook deliveries. It is rebuilt
/// from the books at start, so nothing is forgotten over a restart.
/// </summary>
public sealed class Agenda : BackgroundService
{
    private const int MostAtOnce = 32;

    private readonly BookStore books;
    private readonly WebhookDeliveries deliveries;
    private readonly StripeRefunds stripeRefunds;
    private readonly AdyenModifications adyenModifications;
    private readonly TimeProvider clock;
    private readonly ILogger<Agenda> log;
    private readonly PriorityQueue<Entity, DateTimeOffset> queue = new();
    private readonly Lock gate = new();
    private readonly SemaphoreSlim slots = new(MostAtOnce);
    private TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Agenda(BookStore books, WebhookDeliveries deliveries, StripeRefunds stripeRefunds, AdyenModifications adyenModifications, TimeProvider clock, ILogger<Agenda> log)
    {
        ArgumentNullException.ThrowIfNull(books);
        this.books = books;
        this.deliveries = deliveries;
        this.stripeRefunds = stripeRefunds;
        this.adyenModifications = adyenModifications;
        this.clock = clock;
        this.log = log;
        books.Due += Add;
        foreach (var waiting in books.Read(b => b.Turns.NewestFirst().Concat<Entity>(b.Deliveries.NewestFirst()).Reverse().ToList()))
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
            Entity? due = null;
            Task more;
            TimeSpan wait = Timeout.InfiniteTimeSpan;
            lock (gate)
            {
                if (changed.Task.IsCompleted)
                {
                    changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                }

                more = changed.Task;
                if (queue.TryPeek(out _, out var at))
                {
                    wait = at - clock.GetUtcNow();
                    if (wait <= TimeSpan.Zero)
                    {
                        due = queue.Dequeue();
                    }
                }
            }

            if (due is null)
            {
                await WaitAsync(more, wait, stoppingToken);
                continue;
            }

            await slots.WaitAsync(stoppingToken);
            _ = RunAsync(due, stoppingToken);
        }
    }

    private async Task WaitAsync(Task more, TimeSpan wait, CancellationToken stoppingToken)
    {
        using var both = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        var longest = TimeSpan.FromHours(1);
        await Task.WhenAny(more, Task.Delay(wait == Timeout.InfiniteTimeSpan || wait > longest ? longest : wait, clock, both.Token));
        await both.CancelAsync();
    }

    private void Add(Entity entity)
    {
        lock (gate)
        {
            queue.Enqueue(entity, entity switch
            {
                PendingTurn turn => turn.DueAt,
                Delivery delivery => delivery.DueAt,
                _ => throw new InvalidOperationException($"{entity.GetType().Name} is nothing to be done."),
            });
            changed.TrySetResult();
        }
    }

    private async Task RunAsync(Entity due, CancellationToken stoppingToken)
    {
        try
        {
            await Task.Yield();
            switch (due)
            {
                case Delivery delivery:
                    await deliveries.RunAsync(delivery, stoppingToken);
                    break;
                case PendingTurn turn:
                    books.Write(transaction => Turn(transaction, turn));
                    break;
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Still in the books: done after the next start.
        }
        catch (Exception e)
        {
            Log.AgendaFailed(log, e, due.Id);
        }
        finally
        {
            slots.Release();
        }
    }

    private PendingTurn Turn(Transaction transaction, PendingTurn turn)
    {
        switch (turn.Kind)
        {
            case StripeRefunds.FailsTurn or StripeRefunds.SucceedsTurn:
                stripeRefunds.Turn(transaction, turn);
                break;
            case AdyenPayments.CaptureTurn:
                AdyenPayments.CaptureAutomatically(transaction, turn);
                break;
            default:
                adyenModifications.Turn(transaction, turn);
                break;
        }

        return turn;
    }
}
