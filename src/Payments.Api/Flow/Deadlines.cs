using Payments.Core;

namespace Payments.Api.Flow;

/// <summary>How long things may take before the resolver looks at them. Compared with database time only.</summary>
public sealed class Deadlines
{
    /// <summary>A call whose answer is still out: beyond every time limit of a request.</summary>
    public TimeSpan Open { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>A call that ended without a readable answer.</summary>
    public TimeSpan Unknown { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>An accepted call whose outcome comes by webhook.</summary>
    public TimeSpan Pending { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>A challenge that the customer does not finish.</summary>
    public TimeSpan Challenge { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>Two readings that do not find an attempt must lie further apart than a provider takes to process a request.</summary>
    public TimeSpan MissingSpacing { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>How long an authorization that may never have arrived is still wanted: a customer is not charged hours later.</summary>
    public TimeSpan AuthorizationWanted { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Providers forget keys after a day: no replay beyond this age.</summary>
    public TimeSpan ReplayLimit { get; set; } = TimeSpan.FromHours(20);

    public TimeSpan? DueIn(AttemptState state) => state switch
    {
        AttemptState.Scheduled or AttemptState.Open => Open,
        AttemptState.Unknown => Unknown,
        AttemptState.Pending => Pending,
        AttemptState.NeedsAction => Challenge,
        _ => null,
    };
}
