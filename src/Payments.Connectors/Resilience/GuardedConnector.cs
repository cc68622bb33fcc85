using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Payments.Core;
using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;
using Polly.Timeout;

namespace Payments.Connectors;

/// <summary>
/// A connector with time limits, circuit breaker and telemetry around it. No call that moves money or makes a token is ever
/// repeated here; reads are.
/// </summary>
public sealed class GuardedConnector : IConnector
{
    private readonly IConnector inner;
    private readonly ILogger<GuardedConnector> logger;
    private readonly TimeProvider time;
    private readonly ResiliencePipeline authorizing;
    private readonly ResiliencePipeline modifying;
    private readonly ResiliencePipeline completing;
    private readonly ResiliencePipeline answering;
    private readonly ResiliencePipeline tokenising;
    private readonly ResiliencePipeline<ReadBack> reading;
    private readonly ResiliencePipeline<ReadBack> disputeReading;
    private readonly ResiliencePipeline<ChargePage> listing;
    private readonly ResiliencePipeline<ChargeReading> chargeReading;
    private readonly ResiliencePipeline probing;

    public GuardedConnector(IConnector inner, Circuit circuit, ResilienceOptions options, TimeProvider time, ILogger<GuardedConnector> logger)
    {
        ArgumentNullException.ThrowIfNull(inner);
        ArgumentNullException.ThrowIfNull(circuit);
        ArgumentNullException.ThrowIfNull(options);
        this.inner = inner;
        this.logger = logger;
        this.time = time;
        Circuit = circuit;
        authorizing = Limited(options.AuthorizeMilliseconds, refuses: true);
        modifying = Limited(options.ModifyMilliseconds, refuses: true);
        completing = Limited(options.ModifyMilliseconds, refuses: false);
        answering = Unjudged(options.DisputeMilliseconds);
        tokenising = Limited(options.TokeniseMilliseconds, refuses: true);
        reading = Reading<ReadBack>(r => r.Kind, judged: true);
        disputeReading = Reading<ReadBack>(r => r.Kind, judged: false);
        listing = Reading<ChargePage>(r => r.Kind, judged: false);
        chargeReading = Reading<ChargeReading>(r => r.Kind, judged: false);
        probing = new ResiliencePipelineBuilder { TimeProvider = time }.AddTimeout(TimeSpan.FromMilliseconds(options.ReadMilliseconds)).Build();

        ResiliencePipeline Limited(int milliseconds, bool refuses) => new ResiliencePipelineBuilder { TimeProvider = time }
            .AddStrategy(_ => new CircuitStrategy(circuit, time, refuses, Opened))
            .AddTimeout(TimeSpan.FromMilliseconds(milliseconds))
            .Build();

        // Files take their time, and a dispute is nothing by which to judge the way of payments.
        ResiliencePipeline Unjudged(int milliseconds) => new ResiliencePipelineBuilder { TimeProvider = time }.AddTimeout(TimeSpan.FromMilliseconds(milliseconds)).Build();

        // The circuit is for the payment path: how a long list fares says nothing about it.
        ResiliencePipeline<T> Reading<T>(Func<T, ReadBackKind> kind, bool judged)
        {
            var builder = new ResiliencePipelineBuilder<T> { TimeProvider = time }.AddRetry(new RetryStrategyOptions<T>
            {
                MaxRetryAttempts = 2,
                Delay = TimeSpan.FromMilliseconds(100),
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                ShouldHandle = a => ValueTask.FromResult(a.Outcome.Exception is TimeoutRejectedException || a.Outcome.Result is { } read && kind(read) == ReadBackKind.Unanswered),
            });
            return (judged ? builder.AddStrategy(_ => new CircuitStrategy(circuit, time, refuses: false, Opened)) : builder)
                .AddTimeout(TimeSpan.FromMilliseconds(options.ReadMilliseconds))
                .Build();
        }
    }

    public Circuit Circuit { get; }

    public Provider Provider => inner.Provider;

    public Mode Mode => inner.Mode;

    public Capabilities Capabilities => inner.Capabilities;

    public Task<Outcome> AuthorizeAsync(AuthorizeCall call, CancellationToken cancellationToken) =>
        MoneyAsync("authorize", authorizing, call, static (c, call, token) => c.AuthorizeAsync(call, token), cancellationToken);

    public async Task<Outcome> CompleteChallengeAsync(ChallengeCall call, CancellationToken cancellationToken)
    {
        var outcome = await MoneyAsync("complete_challenge", completing, call, static (c, call, token) => c.CompleteChallengeAsync(call, token), cancellationToken);

        // That this call was not processed says nothing about the authorization, which still waits for its challenge.
        return outcome.Kind == OutcomeKind.NotProcessed ? outcome with { Kind = OutcomeKind.NeedsAction } : outcome;
    }

    public Task<Outcome> CaptureAsync(ModifyCall call, CancellationToken cancellationToken) =>
        MoneyAsync("capture", modifying, call, static (c, call, token) => c.CaptureAsync(call, token), cancellationToken);

    public Task<Outcome> VoidAsync(ModifyCall call, CancellationToken cancellationToken) =>
        MoneyAsync("void", modifying, call, static (c, call, token) => c.VoidAsync(call, token), cancellationToken);

    public Task<Outcome> RefundAsync(ModifyCall call, CancellationToken cancellationToken) =>
        MoneyAsync("refund", modifying, call, static (c, call, token) => c.RefundAsync(call, token), cancellationToken);

    public Task<ReadBack> ReadAsync(ReadCall call, CancellationToken cancellationToken) =>
        AskAsync("read", reading, call, static (c, call, token) => c.ReadAsync(call, token), a => a.Kind, new ReadBack(ReadBackKind.Unanswered), cancellationToken);

    public Task<ChargePage> ListChargesAsync(ChargeListCall call, CancellationToken cancellationToken) =>
        AskAsync("list_charges", listing, call, static (c, call, token) => c.ListChargesAsync(call, token), a => a.Kind, ChargePage.Without(ReadBackKind.Unanswered), cancellationToken);

    public Task<ChargeReading> ReadChargeAsync(string reference, CancellationToken cancellationToken) =>
        AskAsync("read_charge", chargeReading, reference, static (c, name, token) => c.ReadChargeAsync(name, token), a => a.Kind, new ChargeReading(ReadBackKind.Unanswered), cancellationToken);

    public Task<Outcome> AnswerDisputeAsync(DisputeCall call, CancellationToken cancellationToken) =>
        MoneyAsync("answer_dispute", answering, call, static (c, call, token) => c.AnswerDisputeAsync(call, token), cancellationToken);

    public Task<ReadBack> ReadDisputeAsync(DisputeCall call, CancellationToken cancellationToken) =>
        AskAsync("read_dispute", disputeReading, call, static (c, call, token) => c.ReadDisputeAsync(call, token), a => a.Kind, new ReadBack(ReadBackKind.Unanswered), cancellationToken);

    public async Task<Tokenisation> TokeniseAsync(TokeniseCall call, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(call);
        using var span = ConnectorTelemetry.Start(inner, "tokenise");
        var began = time.GetTimestamp();
        Tokenisation answer;
        try
        {
            answer = await tokenising.ExecuteAsync(
                static async (state, token) => await state.inner.TokeniseAsync(state.call, token), (inner, call), cancellationToken);
        }
        catch (BrokenCircuitException)
        {
            answer = new Tokenisation(OutcomeKind.NotProcessed);
        }
        catch (TimeoutRejectedException)
        {
            answer = new Tokenisation(OutcomeKind.Unknown);
        }

        Finish(span, "tokenise", began, answer.Kind.ToString(), null);
        return answer;
    }

    public async Task<bool> DetachAsync(Mode mode, string providerToken, CancellationToken cancellationToken)
    {
        using var span = ConnectorTelemetry.Start(inner, "detach");
        try
        {
            return await probing.ExecuteAsync(
                static async (state, token) => await state.inner.DetachAsync(state.mode, state.providerToken, token), (inner, mode, providerToken), cancellationToken);
        }
        catch (TimeoutRejectedException)
        {
            return false;
        }
    }

    public async Task<bool> ProbeAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await probing.ExecuteAsync(static async (inner, token) => await inner.ProbeAsync(token), inner, cancellationToken);
        }
        catch (TimeoutRejectedException)
        {
            return false;
        }
    }

    public ProviderNotice? ReadWebhook(IReadOnlyDictionary<string, string> headers, ReadOnlyMemory<byte> body) => inner.ReadWebhook(headers, body);

    private async Task<TAnswer> AskAsync<TCall, TAnswer>(
        string operation, ResiliencePipeline<TAnswer> pipeline, TCall call, Func<IConnector, TCall, CancellationToken, Task<TAnswer>> run,
        Func<TAnswer, ReadBackKind> kind, TAnswer unanswered, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(call);
        using var span = ConnectorTelemetry.Start(inner, operation);
        var began = time.GetTimestamp();
        TAnswer answer;
        try
        {
            answer = await pipeline.ExecuteAsync(
                static async (state, token) => await state.run(state.inner, state.call, token), (inner, run, call), cancellationToken);
        }
        catch (TimeoutRejectedException)
        {
            answer = unanswered;
        }

        Finish(span, operation, began, kind(answer).ToString(), null);
        return answer;
    }

    private async Task<Outcome> MoneyAsync<TCall>(
        string operation, ResiliencePipeline pipeline, TCall call, Func<IConnector, TCall, CancellationToken, Task<Outcome>> run, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(call);
        using var span = ConnectorTelemetry.Start(inner, operation);
        var began = time.GetTimestamp();
        Outcome outcome;
        try
        {
            outcome = await pipeline.ExecuteAsync(
                static async (state, token) => await state.run(state.inner, state.call, token), (inner, run, call), cancellationToken);
        }
        catch (BrokenCircuitException)
        {
            outcome = new Outcome(OutcomeKind.NotProcessed) { Detail = "circuit open" };
        }
        catch (TimeoutRejectedException)
        {
            // The connectors answer a time limit themselves, knowing whether anything was sent; this is the case they could not.
            outcome = new Outcome(OutcomeKind.Unknown) { Detail = "time limit" };
        }

        Finish(span, operation, began, outcome.Kind.ToString(), outcome.Detail);
        return outcome;
    }

    private void Finish(Activity? span, string operation, long began, string outcome, string? detail)
    {
        var took = time.GetElapsedTime(began);
        ConnectorTelemetry.Finish(span, inner, operation, outcome, detail, took);
        if (outcome is nameof(OutcomeKind.Unknown) or nameof(OutcomeKind.NotProcessed) or nameof(ReadBackKind.Unanswered))
        {
            Log.CallNotSettled(logger, inner.Provider, inner.Mode, operation, outcome, detail, (long)took.TotalMilliseconds);
        }
    }

    private void Opened(Circuit circuit)
    {
        var health = circuit.Health();
        Log.CircuitOpened(logger, circuit.Provider, circuit.Mode, health.OpenedBecause ?? "", health.Failures, health.P99Milliseconds ?? 0);
    }
}
