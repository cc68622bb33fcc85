using System.Globalization;
using Payments.Chaos.Processes;

if (args is [BrokerProcess.Verb, var port])
{
    return await BrokerProcess.ServeAsync(int.Parse(port, CultureInfo.InvariantCulture));
}

return 2;
