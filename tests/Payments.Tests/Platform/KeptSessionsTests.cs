using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Payments.Platform.Postgres;
using Xunit;

namespace Payments.Tests.Platform;

public sealed class KeptSessionsTests
{
    [Theory]
    [InlineData("", 20)]
    [InlineData(";Maximum Pool Size=8", 8)]
    [InlineData(";Minimum Pool Size=30", 30)]
    public async Task A_process_keeps_the_sessions_that_it_opened_up_to_twenty_or_as_many_as_it_may_have_or_is_told(string settings, int kept)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["ConnectionStrings:books"] = "Host=nowhere;Database=books" + settings });
        await using var services = new ServiceCollection()
            .AddSingleton<IConfiguration>(configuration.Build())
            .AddLogging()
            .BuildServiceProvider();

        await using var source = services.ConnectAsOwner(new ServiceDatabase("books", []));

        Assert.Equal(kept, new NpgsqlConnectionStringBuilder(source.ConnectionString).MinPoolSize);
    }
}
