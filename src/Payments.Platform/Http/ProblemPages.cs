using System.Collections.Frozen;
using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Payments.Platform.Http;

/// <summary>Serves what a problem's <c>type</c> points to: a page of plain text per code.</summary>
internal static class ProblemPages
{
    public const string Path = "/docs/errors/";

    // Codes of Problems which carry no varying text.
    private static readonly FrozenDictionary<string, Problem> Explained = typeof(Problems)
        .GetProperties(BindingFlags.Public | BindingFlags.Static)
        .Where(p => p.PropertyType == typeof(Problem))
        .Select(p => (Problem)p.GetValue(null)!)
        .ToFrozenDictionary(p => p.Code, StringComparer.Ordinal);

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet(Path + "{code:regex(^[a-z0-9_]{{1,64}}$)}", (string code) => TypedResults.Text(
            Explained.TryGetValue(code, out var problem)
                ? $"{problem.Title}\nHTTP status {problem.Status}, code {code}\n\n{problem.Detail}\n"
                : $"{Problem.TitleOf(code)}\nCode {code}\n\nThe detail and param of the response say what to change.\n"))
            .WithMetadata(Credential.None).ExcludeFromDescription();
}
