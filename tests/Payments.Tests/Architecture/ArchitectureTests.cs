using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Payments.Tests.Architecture;

public sealed partial class ArchitectureTests
{
    [Fact]
    public void Projects_reference_only_what_the_architecture_allows()
    {
        var projects = Repository.Files(".", "*.csproj").Select(ReferenceRules.Read).ToArray();
        Assert.True(projects.Length > 10);
        Assert.Empty(projects.SelectMany(p => ReferenceRules.Violations(p.Project, p.References)));
    }

    [Fact]
    public void A_planted_reference_between_services_is_found()
    {
        Assert.Equal(["Payments.Ledger must not reference Payments.Api."], ReferenceRules.Violations("Payments.Ledger", ["Payments.Core", "Payments.Api"]));
        Assert.Equal(["Payments.Webhooks must not reference Payments.Connectors."], ReferenceRules.Violations("Payments.Webhooks", ["Payments.Connectors"]));
        Assert.Equal(["Payments.Core must not reference Payments.Platform."], ReferenceRules.Violations("Payments.Core", ["Payments.Platform"]));
        Assert.Empty(ReferenceRules.Violations("Payments.Vault", ["Payments.Connectors", "Payments.Platform"]));
    }

    [Fact]
    public void Core_has_no_packages() =>
        Assert.Empty(XDocument.Load(Path.Combine(Repository.Root, "src/Payments.Core/Payments.Core.csproj")).Descendants("PackageReference"));

    [Fact]
    public void The_restricted_switch_is_known_to_one_folder_only()
    {
        var users = Repository.Files(".", "*.csproj").Concat(Repository.Files(".", "*.props")).Concat(Repository.Files(".", "*.targets"))
            .Where(f => File.ReadAllText(f).Contains("RestrictedFeed", StringComparison.Ordinal))
            .Select(f => Path.GetRelativePath(Repository.Root, f)).Order(StringComparer.Ordinal);
        Assert.Equal(["Directory.Build.props", "Directory.Packages.props"], users);
    }

    [Fact]
    public void Every_project_that_the_restricted_feed_can_build_is_in_both_solutions()
    {
        string[] fullFeedOnly = ["Payments.AppHost", "Payments.AppHost.Tests", "Payments.Fraud.Training"];
        var solution = File.ReadAllText(Path.Combine(Repository.Root, "Payments.sln")).Replace('\\', '/');
        var filter = File.ReadAllText(Path.Combine(Repository.Root, "Payments.Restricted.slnf"));
        foreach (var project in Repository.Files(".", "*.csproj"))
        {
            var path = Path.GetRelativePath(Repository.Root, project);
            Assert.Contains(path, solution, StringComparison.Ordinal);
            Assert.Equal(!fullFeedOnly.Contains(Path.GetFileNameWithoutExtension(path)), filter.Contains(path, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void A_host_only_composes() =>
        Assert.All(Repository.Files("src", "Program.cs"), f => Assert.True(File.ReadLines(f).Count() <= 40, $"{f} is more than composition."));

    [Fact]
    public void Files_stay_readable() =>
        Assert.Empty(Repository.Files("src", "*.cs").Concat(Repository.Files("tests", "*.cs"))
            .Where(f => File.ReadLines(f).Count() > 400).Select(f => Path.GetRelativePath(Repository.Root, f)));

    [Fact]
    public void No_name_says_nothing() =>
        Assert.DoesNotContain(Repository.Files("src", "*.cs").Select(f => Path.GetFileNameWithoutExtension(f)), n => Meaningless().IsMatch(n));

    [Fact]
    public void A_planted_bare_catch_is_found_and_the_sources_hold_none()
    {
        Assert.Matches(BareCatch(), "try { } catch { }");
        Assert.Matches(BareCatch(), "catch (Exception)\n{\n}");
        Assert.DoesNotMatch(BareCatch(), "catch (NpgsqlException e) { Log.Lost(logger, e); }");
        Assert.Empty(Repository.Files("src", "*.cs").Where(f => BareCatch().IsMatch(File.ReadAllText(f))).Select(f => Path.GetRelativePath(Repository.Root, f)));
    }

    [GeneratedRegex("(Manager|Helpers?|Utils?|Utilities|Common|Misc)$")]
    private static partial Regex Meaningless();

    [GeneratedRegex(@"catch\s*(\(\s*(System\.)?Exception(\s+\w+)?\s*\)\s*)?\{\s*\}")]
    private static partial Regex BareCatch();
}
