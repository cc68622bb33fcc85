using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Payments.Core.Events;
using static Payments.Core.Application;

namespace Payments.Core;

/// <summary>
/// Facts about disputes. Money moves whatever our books have left: the part beyond is set apart. The same again is a no-op, a legal
/// successor is applied, whatever the order; what cannot be true together is a contradiction.
/// </summary>
public static partial class Applying
{
    public static Application Apply(PaymentState payment, DisputeFact fact)
    {
        ArgumentNullException.ThrowIfNull(payment);
        ArgumentNullException.ThrowIfNull(fact);
        if (fact.Currency != payment.Amount.Currency.Code)
        {
            return new Contradiction($"The payment is in {payment.Amount.Currency.Code}, the dispute in {fact.Currency}.");
        }

        if (payment.AuthorizingAttempt is null || payment.Amounts.CapturedMinor + payment.Amounts.CaptureExcessMinor == 0)
        {
            return new Contradiction("What was never captured is disputed.");
        }

        var known = payment.Disputes.FirstOrDefault(d => d.Provider == fact.Provider && d.Reference == fact.Reference);
        if (known is null && fact.Submission is not null)
        {
            return new Contradiction("Our answer is to a dispute that the payment does not have.");
        }

        var telling = new DisputeSteps(payment, known ?? Opened(payment, fact), fact, isNew: known is null);
        return telling.Moved() ?? telling.Stood() ?? telling.Done();
    }

    private static Dispute Opened(PaymentState payment, DisputeFact fact) => new(
        DisputeIdOf(payment.Mode, fact), fact.Provider, fact.Reference, fact.Status is DisputeStatus.Warning ? DisputeStatus.Warning : DisputeStatus.NeedsResponse, fact.AmountMinor, fact.Reason)
    {
        ProviderReason = fact.ProviderReason,
        LiabilityShifted = fact.Reason == DisputeReason.Fraudulent && payment.Authentication is { LiabilityShifted: true },
        EvidenceDueBy = fact.EvidenceDueBy,
        OpenedAt = fact.ProviderTime ?? fact.LearnedAt,
        ChangedAt = fact.LearnedAt,
        ProviderTime = fact.ProviderTime,
    };

    /// <summary>Follows from what the dispute is: its time, so that ids list in order, and a hash of the provider's name of it.</summary>
    private static DisputeId DisputeIdOf(Mode mode, DisputeFact fact)
    {
        Span<byte> bytes = stackalloc byte[16];
        Id.FirstAt(fact.ProviderTime ?? fact.LearnedAt).TryWriteBytes(bytes, bigEndian: true, out _);
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"dispute|{Words.Of(mode)}|{Words.Of(fact.Provider)}|{fact.Reference}"));
        hash.AsSpan(0, 10).CopyTo(bytes[6..]);
        bytes[6] = (byte)(0x70 | (bytes[6] & 0x0F));
        bytes[8] = (byte)(0x80 | (bytes[8] & 0x3F));
        return DisputeId.From(new Guid(bytes, bigEndian: true));
    }

    /// <summary>What one fact does to one dispute, each step one version after the other.</summary>
    private sealed class DisputeSteps(PaymentState before, Dispute dispute, DisputeFact fact, bool isNew)
    {
        private readonly ImmutableArray<Happening>.Builder happenings = ImmutableArray.CreateBuilder<Happening>();
        private PaymentState payment = before;
        private readonly Dispute found = dispute;
        private Dispute current = dispute;

        /// <summary>Null: whatever money the fact tells of has moved now.</summary>
        public Contradiction? Moved()
        {
            foreach (var told in fact.Movements.OrderBy(m => m.Number))
            {
                if (told.Number <= current.Movements.Length)
                {
                    var known = current.Movements[told.Number - 1];
                    if (known.AmountMinor != told.AmountMinor)
                    {
                        return new Contradiction($"Movement {told.Number} of dispute {fact.Reference} was of {known.AmountMinor} and now is of {told.AmountMinor}.");
                    }

                    continue;
                }

                while (current.Movements.Length < told.Number)
                {
                    // A later movement tells that those before it happened, whenever their own notices come.
                    var number = current.Movements.Length + 1;
                    Move(number, told.AmountMinor, number == told.Number ? told.FeeMinor : null);
                }
            }

            return null;
        }

        /// <summary>Null: it stands now as the fact says, or stood so already.</summary>
        public Contradiction? Stood()
        {
            current = current with { EvidenceDueBy = fact.EvidenceDueBy ?? current.EvidenceDueBy };
            if (fact.Submission is { } answered && current.Submission?.Id == answered.Id && !current.Submission.IsUnsettled && current.Submission.State != answered.State)
            {
                return current.Submission.State == OperationState.Succeeded ? null : new Contradiction($"The answer to dispute {fact.Reference} was {Words.Of(current.Submission.State)} and now is {Words.Of(answered.State)}.");
            }

            current = current with { Submission = fact.Submission ?? current.Submission };
            if (fact.Status is not { } status)
            {
                return null;
            }

            if (status == DisputeStatus.Lost && current.Submission is { Answer: DisputeAnswer.Acceptance, State: not OperationState.Failed })
            {
                // How a provider says that it was given up.
                status = DisputeStatus.Accepted;
            }

            var isOlder = fact.ProviderTime is { } told && found.ProviderTime is { } last && told < last;
            var isNewer = isNew || current.Movements.Length > found.Movements.Length || (fact.ProviderTime is { } at && (found.ProviderTime is not { } then || at > then));
            if (status == current.Status || (isOlder && !isNewer) || (DisputeTransitions.IsPast(current.Status, status) && !((current.Status, status) is (DisputeStatus.Withdrawn, DisputeStatus.NeedsResponse) && isNewer)))
            {
                return null;
            }

            if (!DisputeTransitions.IsLegal(current.Status, status) || (DisputeTransitions.NeedsNewer(current.Status) && !isNewer))
            {
                return new Contradiction($"Dispute {fact.Reference} was {Words.Of(current.Status)} and now is {Words.Of(status)}.");
            }

            var sent = current.Submission is { IsUnsettled: true } open && SettlesAnswer(open, status) ? open with { State = OperationState.Succeeded } : current.Submission;
            current = current with { Status = status, Submission = sent };
            return null;
        }

        public Application Done()
        {
            var told = payment.Disputes.FirstOrDefault(d => d.Id == current.Id);
            if (told is null)
            {
                Happened(PaymentEventTypes.DisputeOpened, null);
            }

            if (current.IsClosed && told?.Status != current.Status)
            {
                Happened(PaymentEventTypes.DisputeClosed, null);
            }
            else if (told is not null && !Same(current, told))
            {
                Happened(PaymentEventTypes.DisputeUpdated, null);
            }

            return happenings.Count > 0 ? new Applied(payment, happenings.ToImmutable()) : Known;
        }

        private void Move(int number, long amount, long? fee)
        {
            if (payment.Disputes.All(d => d.Id != current.Id))
            {
                Happened(PaymentEventTypes.DisputeOpened, null);
            }

            var currency = payment.Amount.Currency;
            DisputeMovement moved;
            if (number % 2 == 1)
            {
                var room = Math.Max(0, payment.Amounts.RefundableMinor);
                // What the provider takes for its work it takes once, however often the money goes to and fro.
                moved = new DisputeMovement(number, amount, Math.Max(0, amount - room), fee ?? (number == 1 ? DisputeFees.Of(current.Provider, currency) : 0));
            }
            else
            {
                var taken = current.Movements[^1];
                moved = new DisputeMovement(number, amount, Math.Min(taken.SuspenseMinor, amount), fee ?? (number == 2 ? DisputeFees.ReturnedOf(current.Provider, currency) : 0));
            }

            current = current with { Movements = current.Movements.Add(moved) };
            Happened(moved.IsWithdrawal ? PaymentEventTypes.DisputeFundsWithdrawn : PaymentEventTypes.DisputeFundsReinstated, moved);
        }

        private void Happened(string type, DisputeMovement? moved)
        {
            var later = fact.ProviderTime is { } told && (current.ProviderTime is not { } last || told > last) ? fact.ProviderTime : current.ProviderTime;
            current = current with { ChangedAt = fact.LearnedAt, ProviderTime = later };
            payment = Next(payment.With(current));
            happenings.Add(new Happening(type, payment, null, null)
            {
                Dispute = DisputeView.Of(payment, current),
                Moved = moved is null ? null : new DisputeMovementFact(moved.Number, moved.AmountMinor, moved.SuspenseMinor, moved.FeeMinor, payment.Amount.Currency.Code)
                {
                    MerchantBearsFee = TookFee(moved).BookedMinor > 0,
                },
            });
        }

        // A fee goes back to where it came from, whatever part of the money goes back with it.
        private DisputeMovement TookFee(DisputeMovement moved) => moved.IsWithdrawal
            ? moved
            : current.Movements.LastOrDefault(m => m is { IsWithdrawal: true, FeeMinor: > 0 } && m.Number < moved.Number) ?? current.Movements[moved.Number - 2];

        private static bool SettlesAnswer(DisputeSubmission sent, DisputeStatus status) => sent.Answer == DisputeAnswer.Evidence
            ? status is DisputeStatus.UnderReview or DisputeStatus.Won
            : status is DisputeStatus.Lost or DisputeStatus.Accepted;

        private static bool Same(Dispute left, Dispute right) =>
            left with { Movements = [], ProviderTime = null, ChangedAt = default } == right with { Movements = [], ProviderTime = null, ChangedAt = default };
    }
}
