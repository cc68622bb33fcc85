using System.Collections.Concurrent;
using Payments.Simulators.Books;
using Payments.Simulators.Faults;

namespace Payments.Simulators.Webhooks;

/// <summary>The way of a webhook: what faults make of it, attempts, back-off, and the books' record of it.</summary>
public sealed class WebhookDeliveries(BookStore books, WebhookSender sender, FaultInjector faults, TimeProvider clock)
{
    private static readonly TimeSpan[] Delays =
    [
        TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(15), TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5),
        TimeSpan.FromMinutes(30), TimeSpan.FromHours(2), TimeSpan.FromHours(5), TimeSpan.FromHours(10), TimeSpan.FromHours(24), TimeSpan.FromHours(24),
    ];

    /// <summary>Held back by <see cref="FaultKind.WebhookReorder"/>: released by the next one that is sent.</summary>
    private readonly ConcurrentDictionary<string, TaskCompletionSource> held = new();

    public async Task RunAsync(Delivery delivery, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(delivery);
        var fault = delivery.Attempts == 0 ? faults.OnWebhook(delivery.Provider) : null;
        switch (fault?.Kind)
        {
            case FaultKind.WebhookLost:
                Finish(delivery);
                return;
            case FaultKind.WebhookLate:
                await Task.Delay(TimeSpan.FromMilliseconds(fault.DelayMs), clock, cancellationToken);
                break;
            case FaultKind.WebhookReorder:
                await HoldAsync(delivery.Id, fault.DelayMs, cancellationToken);
                break;
            default:
                break;
        }

        var isAccepted = await sender.TrySendAsync(delivery, cancellationToken);
        if (fault?.Kind == FaultKind.WebhookDuplicate)
        {
            await sender.TrySendAsync(delivery, cancellationToken);
        }

        if (isAccepted)
        {
            Finish(delivery);
        }
        else
        {
            TryAgainLater(delivery);
        }

        ReleaseHeld();
    }

    private void Finish(Delivery delivery) => books.Write(transaction =>
    {
        if (delivery.Provider == Providers.Adyen && transaction.Books.Notifications.Find(delivery.Subject) is { } told)
        {
            transaction.Put(told with { Delivered = true });
        }

        return transaction.Put(delivery with { Done = true });
    });

    private void TryAgainLater(Delivery delivery)
    {
        if (delivery.Attempts >= Delays.Length)
        {
            Finish(delivery);
            return;
        }

        books.Write(transaction => transaction.Put(delivery with { Attempts = delivery.Attempts + 1, DueAt = transaction.Now + Delays[delivery.Attempts] }));
    }

    private async Task HoldAsync(string id, int atMostMilliseconds, CancellationToken cancellationToken)
    {
        var released = held.GetOrAdd(id, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        await Task.WhenAny(released.Task, Task.Delay(TimeSpan.FromMilliseconds(atMostMilliseconds), clock, cancellationToken));
        held.TryRemove(id, out _);
        cancellationToken.ThrowIfCancellationRequested();
    }

    private void ReleaseHeld()
    {
        foreach (var (_, waiting) in held)
        {
            waiting.TrySetResult();
        }
    }
}
