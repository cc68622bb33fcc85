using System.Reflection;
using Payments.Api.Recovery;
using Xunit;

namespace Payments.Tests.Flow;

public sealed class RecoveryKindTests
{
    [Fact]
    public void Every_kind_can_be_asked_for() => Assert.Equal(
        typeof(RecoveryKinds).GetFields(BindingFlags.Public | BindingFlags.Static).Where(f => f.IsLiteral).Select(f => (string)f.GetRawConstantValue()!),
        RecoveryKinds.All);
}
