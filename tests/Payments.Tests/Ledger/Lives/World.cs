using Payments.Core;
using Payments.Core.Events;
using Payments.Ledger.Books;

namespace Payments.Tests.Ledger.Lives;

/// <summary>An account without its sub-accounts.</summary>
internal readonly record struct OracleAccount(Mode Mode, string Owner, AccountKind Kind, string Currency);

/// <summary>
/// Payments living at random, and an oracle beside them: what every account must hold, told from the story of the money and
/// not from posting lines.
/// </summary>
/// <param name="choose">A number from 0 to below the argument.</param>
internal sealed class World(Func<int, int> choose, IdSource ids)
{
    private static readonly string[] Currencies = ["USD", "EUR", "JPY", "KWD"];
    private static readonly Price Commission = new(29_000, 30);
    private static readonly Price Cost = new(18_000, 10);
    private readonly MerchantId[] merchants = [ids.New<MerchantId>(), ids.New<MerchantId>(), ids.New<MerchantId>()];
    private readonly List<Life> lives = [];

    /// <summary>Credits minus debits of every account that ever moved.</summary>
    public Dictionary<OracleAccount, long> Balances { get; } = [];

    /// <summary>Held for the merchant and not moved yet.</summary>
    public Dictionary<OracleAccount, long> Held { get; } = [];

    public List<PaymentEvent> History { get; } = [];

    /// <summary>Lets something happen to some payment. Not every step makes an event.</summary>
    public void Step()
    {
        if (lives.Count == 0 || choose(3) == 0)
        {
            Begin();
            return;
        }

        var life = lives[choose(lives.Count)];
        switch (choose(7))
        {
            case 0 or 1: Capture(life); break;
            case 2: Refund(life); break;
            case 3: Void(life); break;
            case 4: TakeCaptureBack(life); break;
            case 5: BounceRefund(life); break;
            default: FailSomething(life); break;
        }
    }

    private void Begin()
    {
        var life = new Life(new PaymentLife(ids, new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero).AddMinutes(lives.Count))
        {
            Merchant = merchants[choose(merchants.Length)],
            Mode = choose(4) == 0 ? Mode.Live : Mode.Test,
            Provider = choose(2) == 0 ? Provider.Stripe : Provider.Adyen,
            Currency = Currencies[choose(Currencies.Length)],
            Risk = choose(5) == 0 ? FraudVerdict.Review : FraudVerdict.Approve,
        });
        var amount = 1L + choose(200_000);
        if (choose(5) == 0)
        {
            Happen(life.Events.Of(PaymentEventTypes.Declined, OperationKind.Authorize, OperationState.Failed, amount));
            return;
        }

        lives.Add(life);
        if (life.Events.Risk == FraudVerdict.Approve && choose(2) == 0)
        {
            Sell(life, amount);
            return;
        }

        life.Held = amount;
        Hold(life, amount);
        if (life.Events.Risk == FraudVerdict.Review)
        {
            Happen(life.Events.Of(PaymentEventTypes.InReview, OperationKind.Authorize, OperationState.Succeeded, amount));
        }

        Happen(life.Events.Of(PaymentEventTypes.Authorized, OperationKind.Authorize, OperationState.Succeeded, amount));
    }

    // Taken with its authorization: never held.
    private void Sell(Life life, long amount)
    {
        var fees = new CaptureFees(1, Commission.Of(amount, true), Cost.Of(amount, true));
        life.Captures.Add((amount, 0, fees));
        life.Events.AmountCaptured += amount;
        Book(life, amount, 0, fees, sign: 1);
        Happen(life.Events.Sold(amount, fees));
    }

    private void Capture(Life life)
    {
        var excess = choose(10) == 0 ? 1L + choose(500) : 0;
        if (life.Held == 0 && excess == 0)
        {
            return;
        }

        var booked = life.Held == 0 ? 0 : choose(2) == 0 ? life.Held : 1 + choose((int)life.Held);
        var released = choose(2) == 0 ? life.Held - booked : 0;
        var fees = booked == 0 ? null : new CaptureFees(1, Commission.Of(booked, life.Captures.Count == 0), Cost.Of(booked, true));
        life.Held -= booked + released;
        Hold(life, -(booked + released));
        life.Captures.Add((booked, excess, fees));
        life.Events.AmountCaptured += booked + excess;
        Book(life, booked, excess, fees, sign: 1);
        Happen(life.Events.Of(PaymentEventTypes.Captured, OperationKind.Capture, OperationState.Succeeded, booked + excess, fees, released, excess));
    }

    private void TakeCaptureBack(Life life)
    {
        if (life.Captures.Count == 0)
        {
            return;
        }

        var (booked, excess, fees) = life.Captures[^1];
        life.Captures.RemoveAt(life.Captures.Count - 1);
        life.Events.AmountCaptured -= booked + excess;
        Book(life, booked, excess, fees, sign: -1);
        Happen(life.Events.Of(PaymentEventTypes.CaptureFailed, OperationKind.Capture, OperationState.Reversed, booked + excess, fees, released: choose(100), excess));
    }

    private void Refund(Life life)
    {
        var refundable = life.Captures.Sum(c => c.Booked) - life.Refunds.Sum(r => r.Booked);
        var excess = choose(6) == 0 ? 1L + choose(300) : 0;
        var booked = refundable > 0 ? 1 + choose((int)refundable) : 0;
        if (booked + excess == 0)
        {
            return;
        }

        life.Refunds.Add((booked, excess));
        life.Events.AmountRefunded += booked + excess;
        PayBack(life, booked, excess, sign: 1);
        Happen(life.Events.Of(PaymentEventTypes.Refunded, OperationKind.Refund, OperationState.Succeeded, booked + excess, suspense: excess));
    }

    private void BounceRefund(Life life)
    {
        if (life.Refunds.Count == 0)
        {
            return;
        }

        var (booked, excess) = life.Refunds[0];
        life.Refunds.RemoveAt(0);
        life.Events.AmountRefunded -= booked + excess;
        PayBack(life, booked, excess, sign: -1);
        Happen(life.Events.Of(PaymentEventTypes.RefundFailed, OperationKind.Refund, OperationState.Reversed, booked + excess, suspense: excess));
    }

    private void Void(Life life)
    {
        if (life.Held == 0)
        {
            return;
        }

        var released = life.Held;
        life.Held = 0;
        Hold(life, -released);
        Happen(life.Events.Of(choose(2) == 0 ? PaymentEventTypes.Voided : PaymentEventTypes.Expired, OperationKind.Void, OperationState.Succeeded, released, released: released));
    }

    private void FailSomething(Life life) => Happen(choose(3) switch
    {
        0 => life.Events.Of(PaymentEventTypes.CaptureFailed, OperationKind.Capture, OperationState.Failed, 5, released: 5),
        1 => life.Events.Of(PaymentEventTypes.RefundFailed, OperationKind.Refund, OperationState.Failed, 5),
        _ => life.Events.Of(PaymentEventTypes.RefundPending, OperationKind.Refund, OperationState.Pending, 5),
    });

    // The provider owes us all of it; the merchant gets its part less our price; the provider will want its cost.
    private void Book(Life life, long booked, long excess, CaptureFees? fees, int sign)
    {
        var (commission, cost) = (fees?.CommissionMinor ?? 0, fees?.ProviderCostMinor ?? 0);
        Move(life, life.Provider, AccountKind.ProviderReceivable, -sign * (booked + excess));
        Move(life, life.Merchant, AccountKind.MerchantPending, sign * (booked - commission));
        Move(life, Account.Platform, AccountKind.CommissionRevenue, sign * commission);
        Move(life, Account.Platform, AccountKind.Suspense, sign * excess);
        Move(life, Account.Platform, AccountKind.ProviderCostExpense, -sign * cost);
        Move(life, life.Provider, AccountKind.ProviderCostPayable, sign * cost);
    }

    private void PayBack(Life life, long booked, long excess, int sign)
    {
        Move(life, life.Provider, AccountKind.ProviderReceivable, sign * (booked + excess));
        Move(life, life.Merchant, AccountKind.MerchantPending, -sign * booked);
        Move(life, Account.Platform, AccountKind.Suspense, -sign * excess);
    }

    private void Move(Life life, string owner, AccountKind kind, long credit)
    {
        if (credit != 0)
        {
            var account = new OracleAccount(life.Events.Mode, owner, kind, life.Events.Currency);
            Balances[account] = Balances.GetValueOrDefault(account) + credit;
        }
    }

    private void Hold(Life life, long amount)
    {
        var account = new OracleAccount(life.Events.Mode, life.Merchant, AccountKind.MerchantPending, life.Events.Currency);
        Held[account] = Held.GetValueOrDefault(account) + amount;
    }

    private void Happen(PaymentEvent happened) => History.Add(happened);

    private sealed class Life(PaymentLife events)
    {
        public PaymentLife Events => events;

        public string Merchant { get; } = events.Merchant.ToString();

        public string Provider { get; } = Account.OwnedBy(events.Provider);

        public long Held { get; set; }

        public List<(long Booked, long Excess, CaptureFees? Fees)> Captures { get; } = [];

        public List<(long Booked, long Excess)> Refunds { get; } = [];
    }
}
