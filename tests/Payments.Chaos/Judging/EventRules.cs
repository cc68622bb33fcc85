namespace Payments.Chaos.Judging;

/// <summary>
/// The events of a payment are complete: each operation has those that its end calls for, whatever anybody was shown stands in the last
/// event before it, and no version is left over that none of the quiet changes explains. Written down a second time, from what operations
/// and versions are, so that an event which was never written is missed although no view has it.
/// </summary>
internal static class EventRules
{
    /// <summary>What an operation calls for, in order; those on the way to its end are left to <see cref="Versions"/>.</summary>
    private static readonly (string Kind, string State, string[] Calls)[] Table =
    [
        ("capture", "succeeded", ["payment.captured succeeded"]),
        ("capture", "reversed", ["payment.captured succeeded", "payment.capture_failed reversed"]),
        ("capture", "failed", ["payment.capture_failed failed"]),
        ("void", "failed", ["payment.void_failed failed"]),
        ("refund", "succeeded", ["payment.refunded succeeded"]),
        ("refund", "reversed", ["payment.refunded succeeded", "payment.refund_failed reversed"]),
        ("refund", "failed", ["payment.refund_failed failed"]),
    ];

    private static readonly string[] OnTheWay = ["payment.processing", "payment.requires_action", "payment.refund_pending"];

    /// <summary>An operation that is opened, or under way, makes them without an event.</summary>
    private static readonly string[] Moving = ["created", "authorizing", "capturing", "voiding", "refunding"];

    public static IEnumerable<Violation> Judge(Evidence evidence, Cases cases)
    {
        var shown = evidence.Told.Where(t => t.IsSuccess && t.Operation != "misuse").Select(t => t.Read()).Where(r => View.Of(r) is not null)
            .ToLookup(r => View.Of(r)!.Id);
        foreach (var @case in cases.All.Where(c => c.Operations.Count > 0 || c.Row.Status == "rejected"))
        {
            // A second charge that is being undone is an incident, and found as such.
            if (@case.Operations.Any(o => o.Origin == "double_charge"))
            {
                continue;
            }

            var views = shown[@case.Row.Id].ToArray();
            foreach (var missing in Ends(@case).Concat(Showings(@case, views.Select(v => View.Of(v)!))).Append(Versions(@case, views.Any(v => Authentications.Result(v!.Value) is not null))).OfType<string>())
            {
                yield return new Violation(Rules.EventMissing, @case.Row.Id, missing);
            }
        }
    }

    private static IEnumerable<string> Ends(Case @case)
    {
        if (@case.Operations.Count == 0 && @case.Events.All(e => e.Row.Type != "payment.rejected"))
        {
            yield return "the payment was rejected and no event says so";
        }

        foreach (var operation in @case.Operations)
        {
            var told = @case.Events.Where(e => e.OperationId == operation.Id).ToArray();
            // An authorization that came with its capture is told by the capture's event, once and after everything on its way.
            if (@case.Events.Where(e => e.AuthorizationId == operation.Id).ToArray() is { Length: > 0 } with)
            {
                if (operation is not { Kind: "authorize", State: "succeeded" } || told.Any(e => !OnTheWay.Contains(e.Row.Type) || e.Row.Version > with[0].Row.Version)
                    || with is not [{ Row.Type: "payment.captured", State: "succeeded" }] || with[0].NeverHeld != operation.Amount)
                {
                    yield return $"{operation.Kind} {operation.Id} over {operation.Amount} is {operation.State}, and {with.Length} captures say that they came with it, over {with[0].NeverHeld}";
                }

                continue;
            }

            var ends = told.Where(e => !OnTheWay.Contains(e.Row.Type)).Select(e => $"{(operation.Kind == "authorize" && e.Row.Type == "payment.in_review" ? "payment.authorized" : e.Row.Type)} {e.State}").ToArray();
            var calls = Calls(@case, operation, ends);
            if (!calls.SequenceEqual(ends))
            {
                yield return $"{operation.Kind} {operation.Id} is {operation.State} and calls for [{string.Join(", ", calls)}], the events are [{string.Join(", ", ends)}]";
            }

            // Money that came back and is sent once more is on its way again.
            foreach (var (back, next) in told.Zip(told.Skip(1)).Where(p => p.First is { Row.Type: "payment.refund_failed", State: "reversed" } && p.Second.Row.Type != "payment.refund_pending"))
            {
                yield return $"refund {operation.Id} came back at version {back.Row.Version}, and {next.Row.Type} follows without a word that it was tried again";
            }
        }
    }

    private static string[] Calls(Case @case, OperationRow operation, string[] ends)
    {
        var authorized = @case.Operations.Any(o => o is { Kind: "authorize", State: "succeeded" });
        if (operation.Kind == "authorize")
        {
            var last = @case.Attempts.Where(a => a.Operation == operation.Id).MaxBy(a => a.OpenedAt);
            return
            [
                (operation.State, operation.Origin) switch
                {
                    ("succeeded", _) => "payment.authorized succeeded",
                    (_, "expiry") => "payment.expired failed",
                    _ => last?.State == "declined" ? "payment.declined failed" : "payment.failed failed",
                },
            ];
        }

        if (operation is { Kind: "void", State: "succeeded" })
        {
            // Of an authorization that never came about its own event tells.
            return !authorized ? [] : [operation.Origin == "expiry" ? "payment.expired succeeded" : "payment.voided succeeded"];
        }

        var calls = Table.FirstOrDefault(row => row.Kind == operation.Kind && row.State == operation.State).Calls ?? [];
        var back = ends.Count(e => e == "payment.refund_failed reversed") - (operation.State == "reversed" ? 1 : 0);
        return operation.Kind != "refund" ? calls : [.. Enumerable.Repeat<string[]>(["payment.refunded succeeded", "payment.refund_failed reversed"], Math.Max(0, back)).SelectMany(c => c), .. calls];
    }

    /// <summary>What was shown of a version is what the newest event up to it shows, except that something was under way.</summary>
    private static IEnumerable<string> Showings(Case @case, IEnumerable<View> views)
    {
        foreach (var view in views.Distinct())
        {
            var told = @case.Events.LastOrDefault(e => e.Row.Version <= view.Version)?.Payment;
            if (told is null ? !Moving.Contains(view.Status)
                : (!Moving.Contains(view.Status) && view.Status != told.Status) || (view.Captured, view.Refunded) != (told.Captured, told.Refunded))
            {
                yield return $"a client was shown {view}, and the newest event until then says {(told is null ? "nothing" : told)}";
            }
        }
    }

    /// <summary>
    /// Each event is one version, and so is each opening of an operation; of the quiet changes there are at most as many as the operations
    /// that were not at their end yet can have made. Held against the versions after each event, and after none.
    /// </summary>
    private static string? Versions(Case @case, bool wasAuthenticated)
    {
        for (var i = -1; i < @case.Events.Count; i++)
        {
            var after = i < 0 ? 0 : @case.Events[i].Row.Version;
            var quiet = @case.Row.Version - after - (@case.Events.Count - 1 - i);
            var most = @case.Operations.Sum(o => Quiet(@case, o, after)) + (wasAuthenticated && LearnsLater(@case, after) ? 1 : 0);
            if (quiet > most)
            {
                return $"{quiet} of the versions after {after} until {@case.Row.Version} have no event, and at most {most} need none";
            }
        }

        return null;
    }

    private static int Quiet(Case @case, OperationRow operation, long after)
    {
        var attempts = @case.Attempts.Count(a => a.Operation == operation.Id);
        var told = @case.Events.Where(e => e.OperationId == operation.Id || e.AuthorizationId == operation.Id).ToArray();
        var authorization = @case.Operations.FirstOrDefault(o => o.Kind == "authorize")?.Id;
        var end = (told.Length > 0 ? told : [.. @case.Events.Where(e => operation.Kind == "void" && e.OperationId == authorization)]).LastOrDefault()?.Row.Version;
        if (attempts == 0 || end <= after)
        {
            return 0; // what was learned with another operation was never opened
        }

        var accepted = told.Any(e => e is { Row.Type: "payment.processing" or "payment.refund_pending", State: "unknown" }) ? 1 : 0;
        return operation.Kind switch
        {
            // Opened, each next provider, and from unknown to accepted.
            "authorize" => (after == 0 ? 1 : 0) + attempts - 1 + accepted,
            // Opened, then unknown, then accepted.
            "capture" or "void" => 3,
            // Opened, from unknown to accepted, and for each further try: put off, begun, accepted.
            _ => 1 + accepted + ((attempts - 1) * 3),
        };
    }

    /// <summary>How the customer was authenticated was learned without an event of its own: by whoever was slower than the authorization.</summary>
    private static bool LearnsLater(Case @case, long after) =>
        @case.Events.LastOrDefault(e => e.Row.Version <= after) is { } known
            ? known.Authentication is null
            : @case.Events.Any(e => e is { Operation: "authorize", State: "succeeded", Authentication: null } or { AuthorizationId: not null, Authentication: null });
}

/// <summary>How a customer was authenticated, as a payment shows it.</summary>
internal static class Authentications
{
    public static string? Result(System.Text.Json.JsonElement payment) =>
        payment.TryGetProperty("authentication", out var shown) && shown.ValueKind == System.Text.Json.JsonValueKind.Object && shown.TryGetProperty("result", out var result) ? result.GetString() : null;
}
