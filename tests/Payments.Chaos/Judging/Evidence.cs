using System.Text.Json;
using Payments.Chaos.Load;

namespace Payments.Chaos.Judging;

/// <summary>
/// Everything that is compared, as plain rows: what clients were told, the payments database, the ledger, the providers' books, the
/// webhooks received, and what has not come to rest. Written to a file, so that a run can be judged again.
/// </summary>
public sealed record Evidence
{
    public const string FileName = "evidence.json";

    // First view: what clients were told, in the order of sending. Reads of the end are part of it.
    public IReadOnlyList<Told> Told { get; init; } = [];

    // Second view: the payments database.
    public IReadOnlyList<PaymentRow> Payments { get; init; } = [];
    public IReadOnlyList<OperationRow> Operations { get; init; } = [];
    public IReadOnlyList<AttemptRow> Attempts { get; init; } = [];
    public IReadOnlyList<RequestRow> Requests { get; init; } = [];
    public IReadOnlyList<EventRow> Events { get; init; } = [];

    // Third view: the ledger.
    public IReadOnlyList<JournalRow> Journals { get; init; } = [];
    public IReadOnlyList<LineRow> Lines { get; init; } = [];
    public IReadOnlyList<AccountRow> Accounts { get; init; } = [];

    // Fourth view: the providers' books.
    public IReadOnlyList<ChargeRow> Charges { get; init; } = [];

    // Fifth view: the webhooks that the merchants' server took.
    public IReadOnlyList<Received> Received { get; init; } = [];

    /// <summary>What is still under way or cannot go on: queues, dead letters, findings.</summary>
    public IReadOnlyList<StuckRow> Stuck { get; init; } = [];

    /// <summary>How far the event log, its relay and each of its consumers are.</summary>
    public IReadOnlyList<PositionRow> Positions { get; init; } = [];

    /// <summary>What the product itself raised for a person.</summary>
    public IReadOnlyList<IncidentRow> Incidents { get; init; } = [];

    /// <summary>Times in which a provider executed every authorization and answered none.</summary>
    public IReadOnlyList<SilenceRow> Silences { get; init; } = [];

    /// <summary>What reconciling the books came to after all that; null where nobody did.</summary>
    public ReconciledRow? Reconciled { get; init; }

    /// <summary>How much burned; null where nobody set fire.</summary>
    public FireRow? Fire { get; init; }

    public static async Task<Evidence> LoadAsync(string file, CancellationToken cancellationToken)
    {
        await using var stream = File.OpenRead(file);
        return await JsonSerializer.DeserializeAsync<Evidence>(stream, Journal.Format, cancellationToken) ?? throw new InvalidOperationException($"{file} is empty.");
    }

    public async Task SaveAsync(string file, CancellationToken cancellationToken)
    {
        await using var stream = File.Create(file);
        await JsonSerializer.SerializeAsync(stream, this, Journal.Format, cancellationToken);
    }
}

public sealed record PaymentRow(
    string Id, string Merchant, long Version, string Status, string Currency, long Amount, long Authorized, long Captured, long CapturePending, long Released,
    long VoidPending, long Refunded, long RefundPending, long CaptureReversed, long CaptureExcess, long RefundExcess, string? Provider)
{
    public long Kept => Captured - CaptureReversed + CaptureExcess;

    public long GivenBack => Refunded + RefundExcess;

    public long Held => Authorized - Captured - CapturePending - Released - VoidPending;
}

/// <param name="Origin"><c>merchant</c> for what we decided.</param>
public sealed record OperationRow(string Payment, string Id, string Kind, string State, long Amount, long Suspense, long Released, string Origin, string? Key);

public sealed record AttemptRow(string Payment, string Operation, string Id, string Provider, string State, DateTimeOffset OpenedAt, DateTimeOffset? ClosedAt, bool IsDue);

public sealed record RequestRow(string Merchant, string Key, string Payment, string? Operation, string State, int? Status);

/// <param name="Data">As published.</param>
public sealed record EventRow(string Id, string Type, string Payment, string Merchant, long Version, string Data);

/// <param name="Event">The event that it posts.</param>
public sealed record JournalRow(string Event, string Payment, string Type);

/// <param name="Action"><c>post</c>, <c>hold</c> or <c>release</c>.</param>
/// <param name="Debit">The account's id; likewise the credited one.</param>
public sealed record LineRow(string Event, int Line, string Action, string Kind, string Debit, string Credit, long Amount, string Currency);

public sealed record AccountRow(string Id, string Owner, string Kind, string Currency, long Debits, long Credits, long PendingDebits, long PendingCredits);

/// <param name="Payment">The payment that the charge says it is for, where it does.</param>
public sealed record ChargeRow(
    string Provider, string Id, string? Payment, string? IdempotencyKey, string Currency, long Amount, string Status, long Captured, long Refunded, long Voided,
    DateTimeOffset Created, IReadOnlyList<MovementRow> Captures, IReadOnlyList<MovementRow> Refunds)
{
    /// <summary>Money was or is held for it; a refused or unfinished authorization is no charge.</summary>
    public bool IsCharge => Status is "authorized" or "captured" or "canceled" || IsSpoiled;

    /// <summary>It was authorized and its capture failed afterwards, which ends it in these books.</summary>
    public bool IsSpoiled => Status == "failed" && Captures.Count > 0;
}

public sealed record MovementRow(string Id, long Amount, string? IdempotencyKey, string Status);

public sealed record StuckRow(string What, string Detail);

/// <param name="Who"><c>head</c>, <c>relay</c>, or a consumer's name.</param>
public sealed record PositionRow(string Who, int Partition, long Seq);

public sealed record IncidentRow(string Kind, string? Payment, string Detail, bool IsOpen);

/// <param name="SettledAt">When everything that was begun in this time was settled; null where it never was.</param>
public sealed record SilenceRow(string Provider, DateTimeOffset From, DateTimeOffset To, DateTimeOffset? SettledAt);

/// <param name="Minutes">How long load and faults went on.</param>
/// <param name="PerSecond">Payments begun.</param>
/// <param name="Faults">Those that struck, by kind.</param>
/// <param name="LeftOut">Kinds that this machine cannot make, each with the reason.</param>
public sealed record FireRow(double Minutes, double PerSecond, IReadOnlyDictionary<string, int> Faults, IReadOnlyDictionary<string, string> LeftOut)
{
    /// <summary>How many calls and webhooks of the providers each kind of fault has struck.</summary>
    public IReadOnlyDictionary<string, int> ProviderFaults { get; init; } = new Dictionary<string, int>();
}
