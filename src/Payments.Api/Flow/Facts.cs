using Payments.Connectors;
using Payments.Core;

namespace Payments.Api.Flow;

/// <summary>What providers say, in the words of the one apply function.</summary>
internal static class Facts
{
    private const int LongestText = 500;

    /// <summary>The answer of a call, or of reading an attempt back.</summary>
    public static Fact Of(OperationKind kind, Attempt attempt, Outcome outcome, OperationId fresh, DateTimeOffset at, NewAttempt? instead = null) =>
        new(kind, Word(outcome.Kind), attempt.Provider, fresh, at)
        {
            AttemptId = attempt.Id,
            PaymentReference = outcome.PaymentReference,
            ModificationReference = outcome.ModificationReference,
            Captured = outcome.Captured,
            Decline = View(outcome.Decline),
            ActionUrl = outcome.ActionUrl,
            CaptureBefore = outcome.CaptureBefore,
            AvsResult = outcome.AvsResult,
            CvcResult = outcome.CvcResult,
            Authentication = outcome.Authentication,
            Detail = Clean(outcome.Detail),
            Instead = instead,
        };

    /// <summary>A webhook's fact; null for one that is of no consequence.</summary>
    public static Fact? Of(Provider provider, ProviderFact fact, OperationId fresh, DateTimeOffset at)
    {
        if (Meaning(fact.Kind) is not { } meaning)
        {
            return null;
        }

        return new Fact(meaning.Kind, meaning.Outcome, provider, fresh, at)
        {
            AttemptId = fact.Kind == ProviderFactKind.AuthorizationCancelled ? null : fact.AttemptId,
            PaymentReference = fact.PaymentReference,
            ModificationReference = fact.ModificationReference,
            AmountMinor = meaning.Kind == OperationKind.Void ? null : fact.Amount?.Minor,
            // A cancellation is of whatever is held; one that found nothing names no meaningful amount.
            Currency = meaning.Kind == OperationKind.Void ? null : fact.Amount?.Currency.Code,
            Captured = fact.Captured,
            Decline = View(fact.Decline),
            Authentication = fact.Authentication,
            ProviderTime = fact.OccurredAt,
        };
    }

    /// <summary>A charge that was found at its provider, to the payment whose attempt or number it echoes.</summary>
    /// <param name="nobodys">Stands for its attempt where it echoes none: without an echo it is nobody's, and least of all the current one.</param>
    public static Fact Of(ProviderCharge charge, AttemptId nobodys, OperationId fresh, DateTimeOffset at) =>
        new(OperationKind.Authorize, FactOutcome.Succeeded, charge.Provider, fresh, at)
        {
            AttemptId = charge.AttemptId ?? nobodys,
            PaymentReference = charge.Reference,
            AmountMinor = charge.AmountMinor,
            Currency = charge.Currency,
            Captured = charge.CapturedMinor > 0,
            TakenMinor = charge.CapturedMinor - charge.Refunds.Sum(r => r.AmountMinor),
            CaptureBefore = charge.CaptureBefore,
        };

    public static Reading Reading(ReadBackKind kind) => kind switch
    {
        ReadBackKind.Found => Core.Reading.Found,
        ReadBackKind.NotFound => Core.Reading.Missing,
        ReadBackKind.CannotAsk => Core.Reading.CannotAsk,
        ReadBackKind.Unanswered => Core.Reading.Unanswered,
        _ => throw new InvariantException($"the reading {kind} has a word"),
    };

    private static (OperationKind Kind, FactOutcome Outcome)? Meaning(ProviderFactKind kind) => kind switch
    {
        ProviderFactKind.AuthorizationApproved => (OperationKind.Authorize, FactOutcome.Succeeded),
        ProviderFactKind.AuthorizationDeclined => (OperationKind.Authorize, FactOutcome.Declined),
        ProviderFactKind.AuthorizationCancelled => (OperationKind.Void, FactOutcome.Succeeded),
        ProviderFactKind.CaptureSucceeded => (OperationKind.Capture, FactOutcome.Succeeded),
        ProviderFactKind.CaptureFailed => (OperationKind.Capture, FactOutcome.Declined),
        ProviderFactKind.VoidSucceeded => (OperationKind.Void, FactOutcome.Succeeded),
        ProviderFactKind.VoidFailed => (OperationKind.Void, FactOutcome.Declined),
        ProviderFactKind.RefundSucceeded => (OperationKind.Refund, FactOutcome.Succeeded),
        ProviderFactKind.RefundFailed => (OperationKind.Refund, FactOutcome.Declined),
        // Where to send the customer is told by the call's answer or by reading back, never by a notice.
        ProviderFactKind.AuthorizationNeedsAction or ProviderFactKind.FraudWarning or ProviderFactKind.Dispute or ProviderFactKind.ReportAvailable or ProviderFactKind.Other => null,
        _ => throw new InvariantException($"the fact {kind} has a meaning"),
    };

    public static FactOutcome Word(OutcomeKind kind) => kind switch
    {
        OutcomeKind.Approved => FactOutcome.Succeeded,
        OutcomeKind.Declined => FactOutcome.Declined,
        OutcomeKind.NeedsAction => FactOutcome.NeedsAction,
        OutcomeKind.Pending => FactOutcome.Pending,
        OutcomeKind.NotProcessed => FactOutcome.NotProcessed,
        OutcomeKind.Unknown => FactOutcome.Unknown,
        _ => throw new InvariantException($"the outcome {kind} has a word"),
    };

    private static DeclineView? View(Decline? decline) =>
        decline is null ? null : new DeclineView(decline.Code, decline.Kind, Clean(decline.ProviderCode), Clean(decline.Message) ?? decline.Code);

    /// <summary>Providers' words are kept short, and without the one character that PostgreSQL cannot store.</summary>
    private static string? Clean(string? text) => text?.Replace("\0", "", StringComparison.Ordinal) is { } clean && clean.Length > LongestText ? clean[..LongestText] : text?.Replace("\0", "", StringComparison.Ordinal);
}
