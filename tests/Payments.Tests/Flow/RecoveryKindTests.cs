using System.Reflection;
using System.Text.RegularExpressions;
using Payments.Api.Recovery;
using Xunit;

namespace Payments.Tests.Flow;

public sealed partial class RecoveryKindTests
{
    [Fact]
    public void Every_kind_can_be_asked_for() => Assert.Equal(
        typeof(RecoveryKinds).GetFields(BindingFlags.Public | BindingFlags.Static).Where(f => f.IsLiteral).Select(f => (string)f.GetRawConstantValue()!),
        RecoveryKinds.All);

    [Fact]
    public async Task Every_kind_has_a_page_that_helps()
    {
        var pages = Path.Combine(Architecture.Repository.Root, "docs", "runbooks");
        var rows = (await File.ReadAllLinesAsync(Path.Combine(pages, "README.md"), TestContext.Current.CancellationToken))
            .Select(l => Row().Match(l)).Where(m => m.Success).ToDictionary(m => m.Groups[1].Value, m => m.Groups[2].Value);
        Assert.Equal(RecoveryKinds.All.Order(), rows.Keys.Order());
        Assert.All(rows.Values, page => Assert.True(File.Exists(Path.Combine(pages, page)), page));
    }

    [GeneratedRegex(@"^\| `([a-z_]+)` \| \[[a-z-]+\]\(([a-z./-]+)\) \|$")]
    private static partial Regex Row();
}
