using System.Reflection;
using System.Text.RegularExpressions;
using Payments.Platform.Http;
using Payments.Tests.Architecture;
using Xunit;

namespace Payments.Tests.Http;

/// <summary>Whoever is refused learns what it is about: every problem of the 4xx has a <c>param</c>.</summary>
public sealed partial class ProblemParamTests
{
    [Fact]
    public void Problems_that_services_share_name_their_param()
    {
        var shared = typeof(Problems).GetProperties(BindingFlags.Public | BindingFlags.Static).Where(p => p.PropertyType == typeof(Problem)).Select(p => (Problem)p.GetValue(null)!).ToList();
        Assert.True(shared.Count > 15);
        Assert.All(shared.Append(Problems.RateLimited(TimeSpan.FromSeconds(1))).Where(p => p.Status < 500), p => Assert.False(string.IsNullOrEmpty(p.Param), p.Code));
    }

    [Fact]
    public void A_status_without_a_body_of_its_own_gets_one_with_a_param() =>
        Assert.All(Enumerable.Range(400, 100), status => Assert.False(string.IsNullOrEmpty(Problems.OfStatus(status).Param), $"{status}"));

    /// <summary>Problems that services make themselves, wherever they do: the last argument is the param, a name without blanks.</summary>
    [Fact]
    public void Problems_of_single_services_name_their_param()
    {
        var made = new[] { "Payments.Api", "Payments.Platform", "Payments.Vault", "Payments.Webhooks", "Payments.Ledger", "Payments.Fraud", "Payments.Reconciliation" }
            .SelectMany(p => Repository.Files(Path.Combine("src", p), "*.cs"))
            .SelectMany(file => ArgumentsIn(File.ReadAllText(file)).Select(arguments => (File: Path.GetFileName(file), Arguments: arguments)))
            .ToList();
        Assert.True(made.Count > 50, $"Only {made.Count} problems were found in the sources.");
        Assert.All(made, m => Assert.True(Param().IsMatch(m.Arguments[^1]), $"{m.File}: {string.Join(", ", m.Arguments)}"));
    }

    [Fact]
    public void A_problem_without_param_would_be_found() =>
        Assert.Equal(
            [false, true],
            ArgumentsIn("""return new Problem(409, "gone, they say", $"It is {Word(a, b)}, and \"so\"."); x = new(400, "bad", Of(1, 2), "amount");""").Select(a => Param().IsMatch(a[^1])));

    /// <summary>The arguments of each construction of a 4xx; commas within texts and calls separate nothing.</summary>
    private static IEnumerable<List<string>> ArgumentsIn(string source)
    {
        foreach (Match match in Made().Matches(source))
        {
            var (arguments, depth, inText, start) = (new List<string>(), 0, false, match.Index + match.Value.IndexOf('(', StringComparison.Ordinal) + 1);
            for (var i = start; depth >= 0 && i < source.Length; i++)
            {
                switch (source[i])
                {
                    case '\\' when inText:
                        i++;
                        break;
                    case '"':
                        inText = !inText;
                        break;
                    case '(' or '[' or '{' when !inText:
                        depth++;
                        break;
                    case ')' or ']' or '}' when !inText:
                        depth--;
                        break;
                    case ',' when !inText && depth == 0:
                        arguments.Add(source[start..i].Trim());
                        start = i + 1;
                        break;
                    default:
                        break;
                }

                if (depth < 0)
                {
                    arguments.Add(source[start..i].Trim());
                }
            }

            yield return arguments;
        }
    }

    [GeneratedRegex("""^("[\w.-]+"|Body|Problems\.Body|param|refusal\.Param)$""")]
    private static partial Regex Param();

    [GeneratedRegex("""new(?: Problem)?\(\s*(?:StatusCodes\.Status)?4\d\d\w*,\s""")]
    private static partial Regex Made();
}
