using System.ComponentModel.DataAnnotations;

namespace Payments.Platform.Inbox;

/// <summary>Section <c>Payments:Events</c>, the same for every consumer of a service.</summary>
public sealed class EventConsumerOptions
{
    public const string Section = "Payments:Events";

    /// <summary>How often the publisher is asked for its heads, give or take a tenth: what was lost at the tail is noticed then.</summary>
    [Range(50, 600_000)]
    public int HeadsPollMilliseconds { get; set; } = 5_000;

    /// <summary>At most so many events go into one transaction.</summary>
    [Range(1, 10_000)]
    public int MaxBatch { get; set; } = 500;

    /// <summary>
    /// Under load a transaction begins no sooner than this after the one before: what each costs is shared by what has come meanwhile. What comes after
    /// a pause is applied at once, and so is what fills a transaction.
    /// </summary>
    [Range(0, 10_000)]
    public int GatherMilliseconds { get; set; } = 400;

    /// <summary>The first wait after a passing failure; it doubles up to <see cref="MaxRetryDelayMilliseconds"/>.</summary>
    [Range(1, 60_000)]
    public int RetryDelayMilliseconds { get; set; } = 200;

    [Range(1, 600_000)]
    public int MaxRetryDelayMilliseconds { get; set; } = 15_000;
}

/// <summary>Where a consumer begins that has no checkpoints yet.</summary>
public abstract record StartAt
{
    private StartAt()
    {
    }

    /// <summary>With everything that the publisher's log holds.</summary>
    public static StartAt Beginning { get; } = new FromBeginning();

    /// <summary>After what the publisher has written at the moment of registration.</summary>
    public static StartAt Now { get; } = new FromNow();

    /// <summary>After a position that a snapshot was taken at: the heads as they were when it was read.</summary>
    public static StartAt Position(Guid epoch, IReadOnlyList<long> sequences) => new FromPosition(epoch, sequences);

    internal sealed record FromBeginning : StartAt;

    internal sealed record FromNow : StartAt;

    internal sealed record FromPosition(Guid Epoch, IReadOnlyList<long> Sequences) : StartAt;
}
