using System.ComponentModel.DataAnnotations;

namespace Payments.Webhooks;

/// <summary>Configuration section <c>Payments:Webhooks</c>.</summary>
public sealed class WebhooksOptions
{
    public const string Section = "Payments:Webhooks";

    /// <summary>Development only: endpoints may be on this machine, over plain HTTP. Nothing else that is private is ever allowed.</summary>
    public bool AllowLoopback { get; init; }

    /// <summary>Attempts under way at once to endpoints that work, in this process.</summary>
    [Range(1, 4096)]
    public int Concurrency { get; init; } = 256;

    /// <summary>Attempts under way at once to endpoints whose last attempt failed: slots of their own, so that the dead cannot delay the living.</summary>
    [Range(1, 4096)]
    public int FailingConcurrency { get; init; } = 64;

    /// <summary>Attempts under way at once to one endpoint, in this process.</summary>
    [Range(1, 256)]
    public int ConcurrencyPerEndpoint { get; init; } = 8;

    /// <summary>Mails under way at once, in this process.</summary>
    [Range(1, 256)]
    public int MailConcurrency { get; init; } = 8;

    [Range(1, 120)]
    public int TimeoutSeconds { get; init; } = 15;

    /// <summary>After a crash, what was under way is tried again this long after it had been claimed. Must exceed the timeout.</summary>
    [Range(2, 600)]
    public int LeaseSeconds { get; init; } = 40;

    /// <summary>Looking for due deliveries without being woken: retries, and wake-ups that were lost.</summary>
    [Range(20, 60_000)]
    public int PollMilliseconds { get; init; } = 1_000;

    /// <summary>An endpoint without a single success for this long is switched off.</summary>
    [Range(1, 720)]
    public int DisableAfterHours { get; init; } = 5 * 24;

    /// <summary>A rotated secret keeps signing this long beside its successor.</summary>
    [Range(0, 168)]
    public int RotationHours { get; init; } = 24;

    /// <summary>Events and deliveries are kept at least this long.</summary>
    [Range(30, 400)]
    public int RetentionDays { get; init; } = 35;
}
