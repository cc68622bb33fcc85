using Payments.Api.Operators;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;

namespace Payments.Api.Recovery;

/// <summary><c>GET /ops/v1/breaks</c>, <c>GET /ops/v1/breaks/{id}</c> and <c>POST /ops/v1/breaks/{id}/assign</c>.</summary>
internal static class ReadBreaks
{
    private const int LongestOwner = 100;

    public sealed record Assignment(string Owner);

    public static async Task<IResult> ListAsync(HttpContext context, Breaks breaks, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var (status, after, limit) = (query.Choice<BreakStatus>("status"), query.CursorId(), query.Limit());
        return query.Problem is { } problem
            ? problem
            : TypedResults.Ok(Page.Of(await breaks.ListAsync(status, after, limit + 1, cancellationToken), limit, b => Cursor.Of(b.Id.Value)));
    }

    public static async Task<IResult> OneAsync(string id, HttpContext context, Breaks breaks, CancellationToken cancellationToken)
    {
        if (new RequestQuery(context).Problem is { } problem)
        {
            return problem;
        }

        return Id.TryParse<BreakId>(id, out var breakId) && await breaks.FindAsync(breakId, cancellationToken) is var (found, _)
            ? TypedResults.Ok(found)
            : Problems.NotFound("break");
    }

    public static async Task<IResult> AssignAsync(string id, HttpContext context, IdempotentRequests requests, Breaks breaks, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<Assignment>(context, cancellationToken)).Succeeded(out var request, out var problem))
        {
            return problem;
        }

        if (request.Owner.Length is 0 or > LongestOwner)
        {
            return Problems.InvalidValue("owner", $"A text of 1 to {LongestOwner} characters is expected.");
        }

        if (!Id.TryParse<BreakId>(id, out var breakId))
        {
            return Problems.NotFound("break");
        }

        return await requests.RunAsync(context, IdempotencyScope.Of(context.Operator()), async (work, cancellation) =>
        {
            if (await breaks.FindAsync(breakId, cancellation) is not var (found, _))
            {
                return Problems.NotFound("break");
            }

            var transaction = await work.BeginAsync(cancellation);
            await Breaks.AssignAsync(transaction, breakId, request.Owner, cancellation);
            await Audit.AppendAsync(transaction, context, "break.assign", breakId.ToString(), new { Before = found.Owner, After = request.Owner }, cancellation);
            return IdempotentResponse.Ok(found with { Owner = request.Owner });
        }, cancellationToken);
    }
}
