using Payments.Core;
using Payments.Simulators.Adyen;
using Payments.Simulators.Books;
using Payments.Simulators.Settlement;
using Payments.Simulators.Stripe;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Disputes;

/// <summary>
/// The card issuer of both providers: opens disputes, takes evidence, decides. Evidence that holds the words <c>winning_evidence</c> or
/// <c>losing_evidence</c> is decided so after the outcome delay; any other waits for <c>POST /disputes/{id}/decide</c>.
/// </summary>
public sealed class DisputeDesk(Settings settings, AdyenNotifications notifications)
{
    public const string OpenTurn = "dispute_opens";
    public const string DecideTurn = "dispute_is_decided";
    public const string LateTurn = "dispute_evidence_is_late";
    private static readonly TimeSpan TimeForEvidence = TimeSpan.FromDays(14);

    /// <summary>A card whose holder will dispute what was just taken.</summary>
    public static void Schedule(Transaction books, Charge charge, int delayMilliseconds)
    {
        ArgumentNullException.ThrowIfNull(books);
        ArgumentNullException.ThrowIfNull(charge);
        if (charge.Card.Acts.Dispute is not null)
        {
            books.Put(new PendingTurn { Id = $"turn_dispute_{charge.Id}", Provider = charge.Provider, Kind = OpenTurn, Charge = charge.Id, DueAt = books.Now.AddMilliseconds(delayMilliseconds) });
        }
    }

    public static string? VerdictIn(ReadOnlySpan<byte> evidence) =>
        evidence.IndexOf("losing_evidence"u8) >= 0 ? "lost" : evidence.IndexOf("winning_evidence"u8) >= 0 ? "won" : null;

    public IssuerDispute Open(Transaction books, Charge charge, long amount, string reason, bool isInquiry, TimeSpan? timeForEvidence)
    {
        ArgumentNullException.ThrowIfNull(books);
        ArgumentNullException.ThrowIfNull(charge);
        var isStripe = charge.Provider == Providers.Stripe;
        var isReturn = charge.Card.Bank is not null;
        var dispute = new IssuerDispute
        {
            Id = isStripe ? Identifiers.Stripe("du") : Identifiers.Psp(),
            Provider = charge.Provider,
            Charge = charge.Id,
            PaymentIntent = charge.PaymentIntent,
            Amount = amount,
            Currency = charge.Currency,
            Reason = reason,
            // A returned debit is final: nobody may contest it.
            Status = isReturn ? IssuerStatus.Lost : isInquiry ? IssuerStatus.Warning : IssuerStatus.NeedsResponse,
            IsInquiry = isInquiry,
            IsReturn = isReturn,
            Created = books.Now,
            DueBy = books.Now + (timeForEvidence ?? TimeForEvidence),
        };
        books.Put(charge with { Disputed = true });
        if (isReturn)
        {
            dispute = books.Put(Moved(books, dispute, DisputedMoney.Withdrawn));
            Tell(books, dispute, ["charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.closed"]);
            return dispute;
        }

        books.Put(new PendingTurn { Id = $"turn_late_{dispute.Id}", Provider = charge.Provider, Kind = LateTurn, Charge = charge.Id, Movement = dispute.Id, DueAt = dispute.DueBy });
        if (isInquiry)
        {
            books.Put(dispute);
            Tell(books, dispute, ["charge.dispute.created"], "REQUEST_FOR_INFORMATION");
            return dispute;
        }

        dispute = books.Put(Moved(books, dispute, DisputedMoney.Withdrawn));
        Tell(books, dispute, ["charge.dispute.created", "charge.dispute.funds_withdrawn"], "NOTIFICATION_OF_CHARGEBACK", "CHARGEBACK");
        return dispute;
    }

    /// <summary>Evidence has come: Adyen gives the money back while the issuer looks at it.</summary>
    public IssuerDispute Submitted(Transaction books, IssuerDispute dispute, string? verdict)
    {
        ArgumentNullException.ThrowIfNull(books);
        ArgumentNullException.ThrowIfNull(dispute);
        var reviewed = dispute with { Status = IssuerStatus.UnderReview, Submissions = dispute.Submissions + 1, Verdict = verdict };
        if (dispute.Provider == Providers.Adyen && dispute.IsWithheld)
        {
            reviewed = Moved(books, reviewed, DisputedMoney.Reinstated);
        }

        books.Put(reviewed);
        Tell(books, reviewed, ["charge.dispute.updated"], dispute.IsWithheld ? ["INFORMATION_SUPPLIED", "CHARGEBACK_REVERSED"] : ["INFORMATION_SUPPLIED"]);
        if (verdict is not null)
        {
            books.Put(new PendingTurn { Id = $"turn_decide_{dispute.Id}", Provider = dispute.Provider, Kind = DecideTurn, Charge = dispute.Charge, Movement = dispute.Id, DueAt = books.Now.AddMilliseconds(settings.Current.OutcomeDelayMilliseconds) });
        }

        return reviewed;
    }

    public IssuerDispute Accepted(Transaction books, IssuerDispute dispute)
    {
        ArgumentNullException.ThrowIfNull(books);
        ArgumentNullException.ThrowIfNull(dispute);
        var accepted = books.Put(dispute with { Status = dispute.Provider == Providers.Stripe ? IssuerStatus.Lost : IssuerStatus.Accepted });
        Tell(books, accepted, ["charge.dispute.closed"], "DISPUTE_DEFENSE_PERIOD_ENDED");
        return accepted;
    }

    public IssuerDispute Decided(Transaction books, IssuerDispute dispute, bool isWon)
    {
        ArgumentNullException.ThrowIfNull(books);
        ArgumentNullException.ThrowIfNull(dispute);
        var decided = dispute with { Status = isWon ? IssuerStatus.Won : IssuerStatus.Lost };
        var isStripe = dispute.Provider == Providers.Stripe;
        if (isWon && dispute.IsWithheld)
        {
            decided = Moved(books, decided, DisputedMoney.Reinstated);
        }
        else if (!isWon && !isStripe && dispute.Moves.Count == 2)
        {
            decided = Moved(books, decided, DisputedMoney.WithdrawnAgain);
        }

        books.Put(decided);
        Tell(
            books, decided, isWon && decided.Moves.Count > dispute.Moves.Count ? ["charge.dispute.closed", "charge.dispute.funds_reinstated"] : ["charge.dispute.closed"],
            isWon ? decided.Moves.Count > dispute.Moves.Count ? "CHARGEBACK_REVERSED" : "ISSUER_RESPONSE_TIMEFRAME_EXPIRED" : decided.Moves.Count > dispute.Moves.Count ? "SECOND_CHARGEBACK" : "PREARBITRATION_LOST");
        return decided;
    }

    public void Turn(Transaction books, PendingTurn turn)
    {
        ArgumentNullException.ThrowIfNull(books);
        ArgumentNullException.ThrowIfNull(turn);
        books.Put(turn with { Done = true });
        switch (turn.Kind)
        {
            case OpenTurn when books.Charge(turn.Charge) is { } charge:
                Open(books, charge, charge.AmountCaptured, charge.Card.Acts.Dispute!, isInquiry: false, null);
                break;
            case DecideTurn when books.Dispute(turn.Movement) is { Status: IssuerStatus.UnderReview } dispute:
                Decided(books, dispute, dispute.Verdict == "won");
                break;
            case LateTurn when books.Dispute(turn.Movement) is { IsOpen: true } dispute:
                var late = books.Put(dispute with { Status = dispute.Provider == Providers.Stripe && !dispute.IsInquiry ? IssuerStatus.Lost : IssuerStatus.Expired });
                Tell(books, late, ["charge.dispute.closed"], "DISPUTE_DEFENSE_PERIOD_ENDED");
                break;
            default:
                break;
        }
    }

    private static IssuerDispute Moved(Transaction books, IssuerDispute dispute, DisputedMoney kind)
    {
        var fee = Currency.TryFind(dispute.Currency.ToUpperInvariant(), out var currency) ? ProviderPrices.OfDispute(dispute.Provider, currency, kind) : 0;
        var amount = kind == DisputedMoney.Reinstated ? dispute.Amount : -dispute.Amount;
        var id = dispute.Provider == Providers.Stripe ? StripeBalance.ForDispute(books, dispute, amount, fee).Id : $"{dispute.Id}:{kind}";
        return dispute with { Moves = [.. dispute.Moves, new DisputeMove(kind, id, amount, fee, books.Now)] };
    }

    private void Tell(Transaction books, IssuerDispute dispute, string[] stripe, params string[] adyen)
    {
        if (dispute.Provider == Providers.Stripe)
        {
            StripeEvents.Tell(books, settings, dispute.Id, null, null, stripe);
            return;
        }

        foreach (var code in adyen)
        {
            notifications.Dispute(books, books.Charge(dispute.Charge)!, dispute, code);
        }
    }
}
