using System.Globalization;

namespace Payments.AllInOne.Embedded;

/// <summary>
/// Where PostgreSQL's programs are and how we may run them: it refuses to run as root, so root hands over to the account
/// <c>postgres</c>, which below a home directory of mode 700 needs one capability to reach its own files.
/// </summary>
internal sealed class PostgresInstallation
{
    private const string Account = "postgres";
    private readonly string programs;

    private PostgresInstallation(string programs) => this.programs = programs;

    /// <exception cref="InvalidOperationException">PostgreSQL is not installed.</exception>
    public static PostgresInstallation Find()
    {
        const string debian = "/usr/lib/postgresql";
        var versions = Directory.Exists(debian)
            ? Directory.EnumerateDirectories(debian).OrderByDescending(d => int.TryParse(Path.GetFileName(d), NumberStyles.None, CultureInfo.InvariantCulture, out var v) ? v : 0)
            : Enumerable.Empty<string>();
        var path = (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(':', StringSplitOptions.RemoveEmptyEntries);
        var found = versions.Select(d => Path.Combine(d, "bin")).Concat(path)
            .FirstOrDefault(d => File.Exists(Path.Combine(d, "initdb")) && File.Exists(Path.Combine(d, "postgres")));
        return new PostgresInstallation(found ?? throw new InvalidOperationException("PostgreSQL is not installed (Debian: apt-get install postgresql)."));
    }

    /// <summary>The command that runs <paramref name="program"/> as a user who may work in <paramref name="directory"/>.</summary>
    public IEnumerable<string> Command(string program, string directory, IEnumerable<string> arguments)
    {
        IEnumerable<string> command = [Path.Combine(programs, program), .. arguments];
        if (!Posix.IsRoot)
        {
            return command;
        }

        IEnumerable<string> capability = IsReachableByAll(directory) ? [] : [$"--inh-caps=+{SearchCapability()}", $"--ambient-caps=+{SearchCapability()}"];
        return ["setpriv", $"--reuid={Account}", $"--regid={Account}", "--init-groups", .. capability, .. command];
    }

    /// <summary>Gives a file or directory that we made to the account that PostgreSQL runs under.</summary>
    public static void GiveToServer(string path)
    {
        if (Posix.IsRoot)
        {
            var (user, group) = ServerAccount();
            Posix.ChangeOwner(path, user, group);
        }
    }

    private static (uint User, uint Group) ServerAccount()
    {
        var entry = File.ReadLines("/etc/passwd").Select(l => l.Split(':')).FirstOrDefault(f => f is [Account, _, _, _, ..])
            ?? throw new InvalidOperationException($"There is no account {Account}, which PostgreSQL needs because it refuses to run as root.");
        return (uint.Parse(entry[2], CultureInfo.InvariantCulture), uint.Parse(entry[3], CultureInfo.InvariantCulture));
    }

    private static bool IsReachableByAll(string directory)
    {
        for (var parent = Directory.GetParent(directory); parent is not null; parent = parent.Parent)
        {
            if (!parent.UnixFileMode.HasFlag(UnixFileMode.OtherExecute))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The smallest capability that passes closed directories and that we hold ourselves; containers often lack the first.</summary>
    private static string SearchCapability()
    {
        const int dacOverride = 1;
        const int dacReadSearch = 2;
        var permitted = File.ReadLines("/proc/self/status").First(l => l.StartsWith("CapPrm:", StringComparison.Ordinal))["CapPrm:".Length..].Trim();
        var bits = ulong.Parse(permitted, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return (bits & (1UL << dacReadSearch)) != 0 ? "dac_read_search"
            : (bits & (1UL << dacOverride)) != 0 ? "dac_override"
            : throw new InvalidOperationException("PostgreSQL cannot reach a data directory below a closed directory here; choose another with --data.");
    }
}
