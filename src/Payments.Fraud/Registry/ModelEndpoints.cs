using Npgsql;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;

namespace Payments.Fraud.Registry;

/// <summary><c>GET /internal/v1/ops/risk/models</c>, <c>GET …/{id}</c>, <c>POST …/{id}/promote</c></summary>
internal static class ModelEndpoints
{
    private const string Operator = "an operator";

    internal sealed record PromoteRequest(ModelState To);

    /// <summary>Newest first, of both modes unless one is asked for.</summary>
    public static async Task<IResult> ListAsync(HttpContext context, ModelRegistry registry, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var (limit, before, mode, state) = (query.Limit(), query.CursorId(), query.Choice<Mode>("mode"), query.Choice<ModelState>("state"));
        return query.Problem is { } problem
            ? problem
            : Results.Json(Page.Of(await registry.ListAsync(mode, state, before, limit + 1, cancellationToken), limit, m => Cursor.Of(m.Id.Value)), Json.Options);
    }

    /// <summary>A model with how it does on payments whose outcome is known, beside the champion if it is the challenger.</summary>
    public static async Task<IResult> GetAsync(string id, HttpContext context, ModelRegistry registry, LiveFigures figures, CancellationToken cancellationToken)
    {
        if (new RequestQuery(context).Problem is { } problem)
        {
            return problem;
        }

        return Id.TryParse<FraudModelId>(id, out var model) && await registry.FindAsync(model, cancellationToken) is { } found
            ? Results.Json(new ModelReport(found, await figures.OfAsync(found, cancellationToken)), Json.Options)
            : Problems.NotFound("model");
    }

    public static async Task<IResult> PromoteAsync(string id, HttpContext context, IdempotentRequests once, ModelRegistry registry, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<PromoteRequest>(context, cancellationToken)).Succeeded(out var request, out var problem))
        {
            return problem;
        }

        if (request.To == ModelState.Retired)
        {
            return Problems.InvalidValue("to", "One of these is expected: candidate, challenger, champion. A model retires when another takes its place.");
        }

        if (!Id.TryParse<FraudModelId>(id, out var model) || await registry.FindAsync(model, cancellationToken) is null)
        {
            return Problems.NotFound("model");
        }

        return await once.RunAsync(
            context,
            IdempotencyScope.Operators,
            async (work, token) =>
            {
                var transaction = await work.BeginAsync(token);
                return await ModelRegistry.PromoteAsync(transaction, model, request.To, Operator, token) switch
                {
                    PromotionVerdict.Done => IdempotentResponse.Ok(await ModelRegistry.ReadAsync(transaction, model, token)),
                    PromotionVerdict.NotFound => Problems.NotFound("model"),
                    _ => new Problem(409, "model_not_promotable", $"This model cannot become {Words.Of(request.To)} from the state it is in.", "to"),
                };
            },
            cancellationToken);
    }
}
