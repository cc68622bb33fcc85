using System.Globalization;
using Payments.AllInOne.Embedded;

namespace Payments.Bench;

/// <summary>Processor time that processes have used since they started, in microseconds.</summary>
internal static class Processor
{
    private const double MicrosecondsPerTick = 10_000;

    /// <summary>0 where there is no such process any more: its parent has its time.</summary>
    public static double Of(int process) => Used(process, withReaped: false);

    /// <summary>With all children, those that have ended too.</summary>
    public static double OfFamily(int parent) => Used(parent, withReaped: true) + Posix.ChildrenOf(parent).Sum(Of);

    private static double Used(int process, bool withReaped)
    {
        try
        {
            // "pid (name) state parent …": user and system time are the 14th and 15th, of children that were waited for the 16th and 17th.
            var stat = File.ReadAllText($"/proc/{process}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            double Field(int number) => double.Parse(fields[number - 3], CultureInfo.InvariantCulture) * MicrosecondsPerTick;
            return Field(14) + Field(15) + (withReaped ? Field(16) + Field(17) : 0);
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
