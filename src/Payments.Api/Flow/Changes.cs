using Payments.Core;

namespace Payments.Api.Flow;

/// <summary>What must be written when a payment went from one state to another.</summary>
internal static class Changes
{
    public static Change Between(PaymentState before, PaymentState after, IReadOnlyList<Happening> happenings)
    {
        var touched = after.Operations.Where(o => !before.Operations.Any(old => ReferenceEquals(old, o))).ToList();
        var settled = touched.FirstOrDefault(o => o.RequestKey is not null && !ReferenceEquals(o, before.Operations.FirstOrDefault(old => old.Id == o.Id)));
        return new Change(before.Version, after, touched, happenings)
        {
            Disputes = after.Disputes.IsEmpty ? [] : [.. after.Disputes.Where(d => !before.Disputes.Any(old => ReferenceEquals(old, d)))],
            Answer = settled is null || Answers.IsReleased(settled) ? null : Answers.Of(after, settled),
            Release = settled is not null && Answers.IsReleased(settled) ? settled.RequestKey : null,
            Volume = CameToNothing(before, after) ? VolumeOf(after, -after.Amount.Minor, null) : null,
        };
    }

    /// <summary>Volume counts in the month in which the payment was made, also when it is given back later.</summary>
    public static VolumeChange VolumeOf(PaymentState payment, long amount, long? most)
    {
        var made = Id.TimeOf(payment.Id.Value).UtcDateTime;
        return new VolumeChange(payment.Amount.Currency.Code, new DateOnly(made.Year, made.Month, 1), amount, most);
    }

    private static bool CameToNothing(PaymentState before, PaymentState after) =>
        before.Authorization is { IsUnsettled: true } && after.Authorization is { State: OperationState.Failed };
}
