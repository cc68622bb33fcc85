using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Payments.Simulators.Faults;

namespace Payments.Simulators.Control;

/// <param name="Faults">Those in force.</param>
/// <param name="Struck">How often each kind has struck since the start.</param>
internal sealed record FaultsAnswer(IReadOnlyList<Fault> Faults, IReadOnlyDictionary<FaultKind, long> Struck);

internal sealed record ControlProblem(string Error);

/// <summary>Faults: added one by one, listed, cleared together.</summary>
internal static class FaultsEndpoint
{
    public static async Task<IResult> AddAsync(HttpContext http, FaultInjector faults)
    {
        var (request, problem) = await ControlBody.ReadAsync<FaultRequest>(http);
        if (problem is not null)
        {
            return problem;
        }

        var (fault, refusal) = faults.Add(request!);
        return fault is null ? ControlBody.Bad(refusal!) : TypedResults.Json(fault, ControlJson.Options, statusCode: StatusCodes.Status201Created);
    }

    public static JsonHttpResult<FaultsAnswer> List(FaultInjector faults) => TypedResults.Json(new FaultsAnswer(faults.All, faults.Totals), ControlJson.Options);

    public static NoContent Clear(FaultInjector faults)
    {
        faults.Clear();
        return TypedResults.NoContent();
    }
}
