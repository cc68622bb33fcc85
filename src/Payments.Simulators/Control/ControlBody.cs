using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Payments.Simulators.Control;

/// <summary>Reads a strict JSON body, or says what is wrong with it.</summary>
internal static class ControlBody
{
    public static async Task<(T? Value, IResult? Problem)> ReadAsync<T>(HttpContext http)
        where T : class
    {
        try
        {
            return await JsonSerializer.DeserializeAsync<T>(http.Request.Body, ControlJson.Options, http.RequestAborted) is { } value
                ? (value, null)
                : (null, Bad("A JSON object is expected."));
        }
        catch (JsonException e)
        {
            return (null, Bad(e.Message));
        }
    }

    public static IResult Bad(string why) => TypedResults.Json(new ControlProblem(why), ControlJson.Options, statusCode: StatusCodes.Status400BadRequest);
}
