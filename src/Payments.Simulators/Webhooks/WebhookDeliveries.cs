using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Payments.Simulators.Books;
using Payments.Simulators.Faults;

namespace Payments.Simulators.Webhooks;

/// <summary>The way of a webhook: what faults make of it, attempts, back-off, and the books' record of it.</summary>
public sealed class WebhookDeliveries(BookStore books, WebhookSender sender, FaultInjector faults, IOptions<SimulatorsOptions> options)
{
    private static readonly TimeSpan[] Delays =
    [
        TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(15), TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5),
        TimeSpan.FromMinutes(30), TimeSpan.FromHours(2), TimeSpan.FromHours(5), TimeSpan.FromHours(10), TimeSpan.FromHours(24), TimeSpan.FromHours(24),
    ];

    /// <summary>Held back by <see cref="FaultKind.WebhookReorder"/>: due as soon as another one of the provider was sent.</summary>
    private readonly ConcurrentDictionary<string, Delivery> held = new();

    public async Task RunAsync(string id, CancellationToken cancellationToken)
    {
        // Only what the books say counts: a delivery that was moved in time is on the agenda twice.
        if (books.Read(b => b.Deliveries.Find(id)) is not { } delivery || delivery.DueAt > books.Now)
        {
            return;
        }

        held.TryRemove(id, out _);
        var fault = delivery is { Attempts: 0, Delayed: false } ? faults.OnWebhook(delivery.Provider) : null;
        switch (fault?.Kind)
        {
            case FaultKind.WebhookLost:
                Finish(delivery);
                return;
            case FaultKind.WebhookLate:
                Move(delivery with { Delayed = true }, TimeSpan.FromMilliseconds(fault.DelayMs));
                return;
            case FaultKind.WebhookReorder:
                held[id] = Move(delivery with { Delayed = true }, TimeSpan.FromMilliseconds(fault.DelayMs));
                return;
            default:
                break;
        }

        var isAccepted = await sender.TrySendAsync(delivery, cancellationToken);
        if (fault?.Kind == FaultKind.WebhookDuplicate)
        {
            await sender.TrySendAsync(delivery, cancellationToken);
        }

        if (isAccepted || delivery.Attempts >= Delays.Length)
        {
            Finish(delivery);
        }
        else
        {
            Move(delivery with { Attempts = delivery.Attempts + 1 }, PauseAfter(delivery.Attempts));
        }

        ReleaseHeld(delivery.Provider);
    }

    private TimeSpan PauseAfter(int attempts)
    {
        var longest = TimeSpan.FromMilliseconds(options.Value.LongestWebhookPauseMilliseconds);
        return Delays[attempts] < longest ? Delays[attempts] : longest;
    }

    private void Finish(Delivery delivery) => books.Write(transaction =>
    {
        if (delivery.Provider == Providers.Adyen && transaction.Books.Notifications.Find(delivery.Subject) is { } told)
        {
            transaction.Put(told with { Delivered = true });
        }

        return transaction.Put(delivery with { Done = true });
    });

    private Delivery Move(Delivery delivery, TimeSpan by) =>
        books.Write(transaction => transaction.Put(delivery with { DueAt = transaction.Now + by }));

    private void ReleaseHeld(string provider)
    {
        foreach (var (id, waiting) in held)
        {
            if (waiting.Provider == provider && held.TryRemove(id, out _))
            {
                Move(waiting, TimeSpan.Zero);
            }
        }
    }
}
