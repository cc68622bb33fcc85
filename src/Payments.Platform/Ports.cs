namespace Payments.Platform;

/// <summary>
/// Where each origin listens: an offset from the API's port (default 8080). The AppHost and AllInOne share this table;
/// the README repeats it.
/// </summary>
public static class Ports
{
    public const int DefaultBase = 8080;

    public const int Api = 0;
    public const int Vault = 1;
    public const int Console = 2;
    public const int Simulators = 3;
    public const int SimulatorsHttps = 4;
    public const int Ledger = 5;
    public const int Fraud = 6;
    public const int Webhooks = 7;
    public const int Reconciliation = 8;
    public const int DemoReceiver = 9;
    public const int Kafka = 10;
    public const int Redis = 11;
    public const int Postgres = 12;
    public const int Dashboard = 13;
    public const int DashboardOtlpGrpc = 14;
    public const int DashboardOtlpHttp = 15;
}
