using Payments.ServiceDefaults;
using Payments.Simulators;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("simulators");
builder.AddSimulators();

var app = builder.Build();
app.MapServiceDefaults();
app.MapSimulators();
return await app.RunServiceAsync(args);
